/** One container's life as an engine has it: five commands, each a process of its own, of tsrun-oci and its peers. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareRows, rowsOf, type SectionResult } from './report.js';
import { measure, type Subject } from './rounds.js';
import type { Stage } from './stage.js';

const tsrunOci = resolve(import.meta.dirname, '../../build/Release/tsrun-oci');
const verbs = ['create', 'start', 'state', 'kill', 'delete'] as const;
const together = 'all five';

export async function measureOci(stage: Stage): Promise<SectionResult> {
  const peers = stage.peers.filter(({ name }) => name === 'crun' || name === 'runc').map(({ name }) => ({ name, program: name }));
  const subjects = [{ name: 'tsrun-oci', program: tsrunOci }, ...peers].map(({ name, program }) => lifeOf(stage, name, program));
  const samples = await measure(subjects, stage.quick ? { rounds: 10, warmUp: 2 } : { rounds: 60, warmUp: 5 });
  const comparisons = [together, ...verbs].flatMap((verb) => peers.flatMap(({ name }) => (
    compareRows(samples, `${name}, ${verb}`, `tsrun-oci, ${verb}`, name === 'runc' && verb === together ? { goal: '>= 1' } : {}))));
  const notes = ['the bundle of the peers above, with a program that waits; the time until the killed program is gone is not counted'];
  return { title: 'oci: create, start, state, kill and delete, a process each', rows: rowsOf(samples), comparisons, notes: [...notes, ...samples.failures] };
}

function lifeOf({ workspace, waitBundle }: Stage, name: string, program: string): Subject {
  const root = workspace.stateOf(`oci-${name}`);
  const pidFile = join(root, '..', `oci-${name}.pid`);
  let count = 0;
  return {
    start: async () => {
      const id = `tsrun-bench-${process.pid}-${count++}`;
      const words = { create: ['--bundle', waitBundle, '--pid-file', pidFile, id], start: [id], state: [id], kill: [id, 'KILL'], delete: [id] };
      const figures: Record<string, number> = {};
      let total = 0;
      for (const verb of verbs) {
        if (verb === 'delete') await ended(Number(readFileSync(pidFile, 'utf8')));
        const duration = timed(program, ['--root', root, verb, ...words[verb]]);
        figures[`${name}, ${verb}`] = duration;
        total += duration;
      }
      rmSync(pidFile);
      return { ...figures, [`${name}, ${together}`]: total };
    },
  };
}

function timed(program: string, words: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(program, words, { stdio: 'ignore' });
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${String(status)}`);
  return Number(end - start);
}

/** Whoever reaps it may be slow: a zombie is gone enough. */
async function ended(pid: number): Promise<void> {
  while (!['Z', 'X', undefined].includes(stateOf(pid))) await sleep(1);
}

function stateOf(pid: number): string | undefined {
  try {
    return /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
