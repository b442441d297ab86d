/**
 * A process of its own that owns a formation, for tests that kill it: `node formation-owner.js JSON`. It says in a line of JSON, with
 * their pids, when all dynos run, and then lives until it is ended.
 */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, Runtime, type FormationOptions, type RedeployOptions } from '../../src/index.js';

export interface FormationErrand {
  readonly stateRoot: string;
  readonly imageRoot: string;
  readonly image: string;
  readonly name: string;
  /** Absent: it is adopted. */
  readonly options?: FormationOptions;
  /** A dyno or a type that it replaces then. */
  readonly preboots?: string;
  /** What else it does then; with `nothing-yet` no dyno is started. */
  readonly then?: 'nothing-yet' | 'stop' | { readonly redeploy: RedeployOptions } | { readonly scale: Readonly<Record<string, number>> };
}

/** One that may be killed before it has begun with anything. */
export function spawnOwner(errand: FormationErrand): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [import.meta.filename, JSON.stringify(errand)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Pids by the names of dynos, when they are all there. */
export async function startOwner(errand: FormationErrand): Promise<{ readonly owner: ChildProcess; readonly pids: Readonly<Record<string, number>> }> {
  const owner = spawnOwner(errand);
  for await (const line of createInterface({ input: owner.stdout })) return { owner, pids: JSON.parse(line) as Record<string, number> };
  throw new Error('the owner ended before its dynos ran');
}

/** It has no chance to tidy up. */
export async function killOwner(owner: ChildProcess): Promise<void> {
  const exited = once(owner, 'exit');
  owner.kill('SIGKILL');
  await exited;
}

async function main({ stateRoot, imageRoot, image, name, options, preboots, then }: FormationErrand): Promise<void> {
  const runtime = await Runtime.open({ root: stateRoot, imageRoot });
  const formation = options === undefined ? await Formation.adopt(runtime, name) : await Formation.prepare(runtime, image, { ...options, name, survive: true });
  if (options !== undefined && then !== 'nothing-yet') await formation.deploy();
  while (formation.dynos.some(({ container, state }) => container === undefined || state === 'starting')) await delay(10);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(formation.dynos.map((dyno) => [dyno.name, dyno.container?.pid])))}\n`);
  if (preboots !== undefined) await formation.restart(preboots, { preboot: true });
  if (then === 'stop') await formation.stop();
  else if (typeof then === 'object') await ('scale' in then ? formation.scale(then.scale) : formation.redeploy(then.redeploy));
  setInterval(() => undefined, 60_000);
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '{}') as FormationErrand);
