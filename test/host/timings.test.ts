// How long each step of a start took, and nothing of it where nobody asked. What the command shows of it: cli-run.test.ts.
import { readdirSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { explain, type RunOptions, type StartTimings } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function measured(t: ExecutionContext, options: RunOptions = {}): Promise<StartTimings> {
  const container = await lab.start({ command: ['true'], timings: true, ...options });
  await container.exited;
  const { timings } = container;
  t.truthy(timings);
  return timings ?? { totalUs: 0, parts: [] };
}

/** Every part begins where the one before ended, and all of them are the whole. */
function isWhole({ totalUs, parts }: StartTimings): boolean {
  const joints = parts.every(({ startUs, durationUs }, index) => Math.abs(startUs + durationUs - (parts[index + 1]?.startUs ?? totalUs)) < 1);
  return joints && parts.every(({ durationUs }) => durationUs >= 0) && parts.length > 0;
}

function isTimes(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).includes('tsrun-times');
  } catch {
    return false;
  }
}

here('every step of the plan is measured, between what this process does before and after', async (t) => {
  const timings = await measured(t);
  const { steps } = await explain(lab.image, { command: ['true'] });
  const planned = steps.map(({ where, step, field }) => ({ where, name: step, field }));
  const done = timings.parts.filter(({ where }) => where !== 'node').map(({ where, name, field }) => ({ where, name, field }));
  t.deepEqual(done, [{ where: 'launcher' as const, name: 'measureSteps', field: 'timings' }, ...planned]);
  t.deepEqual(timings.parts.filter(({ where }) => where === 'node').map(({ name }) => name), ['prepare', 'compile', 'hear']);
  t.true(isWhole(timings), JSON.stringify(timings));
  t.true(timings.parts.filter(({ name }) => ['clone', 'makeOverlay', 'pivotRoot', 'execute'].includes(name)).every(({ durationUs }) => durationUs > 0));
});

here('clocks that are ahead in the container do not show', async (t) => {
  const timings = await measured(t, { timeOffsets: { monotonic: 86_400, boottime: 3600 } });
  t.true(isWhole(timings));
  t.true(timings.totalUs < 60_000_000, String(timings.totalUs));
});

here('with a reaper, a terminal and a log as well', async (t) => {
  t.true(isWhole(await measured(t, { init: true })));
  t.true(isWhole(await measured(t, { terminal: true, log: true })));
});

here('a created container is measured until its program runs', async (t) => {
  const container = await (await lab.runtime()).create(lab.image, { id: lab.newId(), command: ['true'], timings: true });
  t.is(container.timings, undefined);
  container.start();
  await container.exited;
  const waited = container.timings?.parts.find(({ name }) => name === 'awaitStart');
  t.truthy(waited);
});

here('who does not ask is not measured, and nothing stays open of what was', async (t) => {
  const container = await lab.start({ command: ['true'] });
  await container.exited;
  t.is(container.timings, undefined);
  await measured(t);
  await t.throwsAsync(lab.start({ command: ['/no/such'], timings: true }));
  await t.throwsAsync(lab.start({ command: ['true'], timings: true, cwd: '/etc/passwd' }));
  await t.throwsAsync(lab.start({ command: [], timings: true }));
  t.deepEqual(readdirSync('/proc/self/fd').filter(isTimes), []);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
