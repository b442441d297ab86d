// Many containers from one process: hundreds at once, and thousands one after the other, after which the process and its launcher hold
// what they held before. The figures are printed. TSRUN_LONG=1 takes 500 and 20,000; of the latter a guest takes a tenth.
import { readFileSync } from 'node:fs';
import test from 'ava';
import type { Container } from '../../src/index.js';
import { holdings, type Holdings } from '../support/holdings.js';
import { Lab, patience } from '../support/lab.js';
import { cgroupsOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const here = needs('root', 'userns', 'overlay', 'cgroup2');
const lab = new Lab();
const [together, cycles] = process.env['TSRUN_LONG'] === '1' ? [500, 20_000 / patience] : [50, 200 / patience];

here('so many live at once, each with its own words, ids and cgroup, and all end', async (t) => {
  t.timeout(20 * 60_000);
  const runtime = await lab.runtime();
  const begin = performance.now();
  const containers = await Promise.all(Array.from({ length: together }, async (_, index) => lab.start({ command: ['sh', '-c', `echo ${index}; exec sleep 1000`], stderr: 'ignore' })));
  const startedMs = performance.now() - begin;
  const words = await Promise.all(containers.map(firstWords));
  for (const { stdout } of containers) stdout?.resume();
  t.deepEqual(words, containers.map((_, index) => `${index}\n`));
  t.is(runtime.list().filter(({ state }) => state === 'running').length, together);
  t.is(cgroupsOf(lab.prefix).length, together);
  t.is(new Set(containers.map(({ pid }) => readFileSync(`/proc/${pid}/uid_map`, 'utf8'))).size, together, 'no two have the same ids');
  const ending = performance.now();
  await Promise.all(containers.map(async (container) => container.killAll()));
  const ends = await Promise.all(containers.map(async ({ exited }) => exited));
  t.deepEqual([...new Set(ends.map(({ signal }) => signal))], ['SIGKILL']);
  t.deepEqual(cgroupsOf(lab.prefix), []);
  t.log(`${together} at once: up after ${startedMs.toFixed(0)} ms, gone after ${(performance.now() - ending).toFixed(0)} ms`);
});

async function firstWords({ stdout }: Container): Promise<string> {
  return new Promise((resolve) => stdout?.once('data', (chunk: Buffer) => { resolve(chunk.toString()); }));
}

/** One life each: of a program that ends, of one that speaks, of one that is entered and stopped, of one that is not there. */
const lives: readonly (() => Promise<unknown>)[] = [
  async () => lab.run({ command: ['true'], stdout: 'ignore', stderr: 'ignore' }),
  async () => lab.run({ command: ['echo', 'hello'] }),
  async () => {
    const container = await lab.idle();
    await lab.exec(container, { command: ['true'] });
    await container.stop({ graceMs: 0 });
  },
  async () => lab.start({ command: ['/no/such/program'] }).then(() => { throw new Error('it was started'); }, () => undefined),
];

async function live(count: number): Promise<number[]> {
  const durations: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const begin = performance.now();
    for (const one of lives) await one();
    durations.push(performance.now() - begin);
  }
  return durations;
}

here('after so many lives process and launcher hold what they held before', async (t) => {
  t.timeout(120 * 60_000);
  const turns = Math.ceil(cycles / lives.length);
  // What is compiled, loaded and kept once.
  await live(Math.max(5, Math.ceil(turns / 10)));
  const before = holdings(lab.stateRoot, lab.prefix);
  const durations = await live(turns);
  const after = holdings(lab.stateRoot, lab.prefix);
  t.deepEqual(after.counts, before.counts);
  for (const line of figures(durations, before, after)) t.log(line);
  // Pages that an allocator keeps, not what each life would leave: that would be more with each of thousands.
  t.true(after.bytes.launcher - before.bytes.launcher < mebibyte, 'the launcher has grown');
  t.true(after.bytes.nodeHeap - before.bytes.nodeHeap < 8 * mebibyte, 'the heap of Node has grown');
});

const mebibyte = 2 ** 20;

function figures(durations: readonly number[], before: Holdings, after: Holdings): string[] {
  const tenth = Math.max(1, Math.floor(durations.length / 10));
  const [first, last] = [durations.slice(0, tenth), durations.slice(-tenth)].map((part) => percentile(part, 0.99));
  const size = (name: keyof Holdings['bytes']): string => `${name} ${(before.bytes[name] / mebibyte).toFixed(1)} → ${(after.bytes[name] / mebibyte).toFixed(1)} MiB`;
  return [
    `${durations.length * lives.length} lives; p99 of four: ${first?.toFixed(1)} ms in the first tenth, ${last?.toFixed(1)} in the last, ${((last ?? 0) / (first ?? 1)).toFixed(2)} times`,
    `resident: ${size('node')}, ${size('launcher')}; ${size('nodeHeap')}`,
    Object.entries(after.counts).map(([name, count]) => `${name} ${count}`).join(', '),
  ];
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
}

lab.declareLeakTest();
test.after.always(() => { lab.removeFolders(); });
