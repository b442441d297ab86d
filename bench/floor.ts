/** The kernel floor: a C program that makes the system calls of the default plan and nothing else (bench/floor). */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Plan, Step } from '../src/index.js';
import type { Workspace } from './workspace.js';

export interface FloorTimes {
  readonly totalNs: number;
  readonly cyclesNs: readonly number[];
}

export const floorModes = ['full', 'bare'] as const;
export type FloorMode = (typeof floorModes)[number];

/** What the floor must be told, since it differs from host to host: strings of the plan, never its steps. */
export function floorArguments(plan: Plan, workspace: Workspace, mode: FloorMode): string[] {
  const common = [`mode=${mode}`, `root=${workspace.rootfs}`];
  if (mode === 'bare') return common;
  const details = plan.steps.flatMap(({ step }) => settingsOf(step, workspace));
  return [...common, `state=${workspace.stateOf('floor')}`, ...details];
}

function settingsOf(step: Step, { path }: Workspace): string[] {
  const file = (name: string, content: Uint8Array) => {
    const at = join(path, name);
    writeFileSync(at, content);
    return [`${name}=${at}`];
  };
  switch (step.op) {
    case 'recordState':
      return file('record', step.content);
    case 'makeCgroup':
      return [`cgroup=${dirname(step.path)}`, ...step.reports.map((name) => `report=${name}`)];
    case 'writeCgroup':
      return [`write=${step.file}`, `write=${step.value}`];
    case 'limitDevices':
      return file('devices', step.program);
    case 'watchCgroup':
      return [`watch=${step.file}`];
    case 'makeOverlay':
      return [`layer-descriptors=${step.byDescriptor ? 1 : 0}`];
    case 'maskPath':
      return [`mask=${step.target}`];
    case 'readonlyPath':
      return [`readonly=${step.target}`];
    case 'dropBounding':
      return [`keep=${step.keep}`, `last=${step.last}`];
    case 'restrictScopes':
      return [`scopes=${step.scopes}`];
    case 'loadSeccomp':
      return file('filter', step.filter);
    default:
      return [];
  }
}

/** Lives as long as it may be asked; between two orders it waits for its input. */
export class Floor {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #gone: Promise<never>;

  constructor(program: string, args: readonly string[]) {
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#process.stdout);
    this.#gone = once(this.#process, 'exit').then(([code]) => Promise.reject(new Error(`the floor ended with ${String(code)}`)));
    this.#gone.catch(() => undefined);
  }

  async run(cycles: number, atOnce = 1): Promise<FloorTimes> {
    const answer = once(this.#lines, 'line');
    this.#process.stdin.write(`${cycles} ${atOnce}\n`);
    const words: unknown[] = await Promise.race([answer, this.#gone]);
    const [totalNs = 0, ...cyclesNs] = String(words[0]).split(' ').map(Number);
    return { totalNs, cyclesNs };
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#gone.catch(() => undefined);
    // A floor that failed leaves the cgroup of its last container.
    for (const name of this.#leftCgroups()) rmdirSync(name);
  }

  #leftCgroups(): string[] {
    const cgroup = this.#process.spawnargs.find((word) => word.startsWith('cgroup='))?.slice('cgroup='.length);
    if (cgroup === undefined) return [];
    return readdirSync(cgroup).filter((name) => name.startsWith(`floor.${this.#process.pid ?? 0}.`)).map((name) => join(cgroup, name));
  }
}
