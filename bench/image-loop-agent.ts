/**
 * One Node process that takes images while its event loop is watched: `image-loop-agent WATCH STATE STORE WARM… -- REFERENCE`, where WATCH
 * is `lateness` or `turns`. What is before `--` is taken first, so that no code is loaded later. With no reference at all it does nothing
 * but wait for the end of its input.
 */
import { once } from 'node:events';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Runtime } from '../src/index.js';
import { watchTurns } from './turns.js';

const resolutionMs = 1;
const [watch = '', state = '', store = '', ...words] = process.argv.slice(2);
const end = words.indexOf('--');
const [warm, references] = [words.slice(0, end), words.slice(end + 1)];

async function take(runtime: Runtime, reference: string): Promise<void> {
  await (reference.startsWith('docker://') ? runtime.images.pull(reference).done : runtime.images.import(reference).done);
}

async function watched(work: () => Promise<unknown>): Promise<number[]> {
  if (watch !== 'turns') return latenessOf(work);
  const { p999Ms, longestMs, longCount } = await watchTurns(work);
  return [p999Ms, longestMs, longCount];
}

async function latenessOf(work: () => Promise<unknown>): Promise<number[]> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  const before = performance.eventLoopUtilization();
  const start = performance.now();
  delay.enable();
  await work();
  delay.disable();
  const { active } = performance.eventLoopUtilization(before);
  // The histogram holds the time between two ticks of its timer, not how late they were.
  const late = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);
  return [performance.now() - start, active, late(delay.percentile(99)), late(delay.percentile(99.9)), late(delay.max)];
}

async function main(): Promise<number[]> {
  if (references.length === 0) return watched(async () => once(process.stdin.resume(), 'end'));
  await using runtime = await Runtime.open({ root: state, imageRoot: store });
  for (const reference of warm) await take(runtime, reference);
  return await watched(async () => {
    for (const reference of references) await take(runtime, reference);
  });
}

process.stdout.write(JSON.stringify(await main()));
