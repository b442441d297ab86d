// The cgroup that all containers' lie in belongs to nobody: another runtime's or a test's clean-up may remove it whenever it is empty.
// Here it is one of this file's own, since the real one may be in use.
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';
import { prepareBase } from '../../src/cgroup/layout.js';
import { loadNative } from '../../src/engine/addon.js';
import { Launcher } from '../../src/engine/launcher.js';
import { joinCgroup } from '../../src/host/probe-cgroup.js';
import { encodePlan } from '../../src/plan/plan.js';
import type { CgroupFacts } from '../../src/host/facts.js';
import { Ear } from '../support/exec-plans.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'cgroup2');

/** Where this file's containers lie, as what is known of the host. */
async function ownBase(): Promise<{ readonly facts: CgroupFacts; readonly folder: string }> {
  const { cgroup } = (await lab.runtime()).host;
  const facts = { ...cgroup, base: `/tsrun-test-${process.pid}` };
  return { facts, folder: joinCgroup(facts.root, facts.base) };
}

/** One launcher, and how each container of it ended: its exit code, or what failed. */
async function startsIn(t: ExecutionContext): Promise<{ readonly folder: string; readonly start: () => Promise<string> }> {
  const { folder } = await ownBase();
  const launcher = Launcher.start(loadNative(), false);
  t.teardown(() => {
    launcher.close();
    if (existsSync(folder)) rmdirSync(folder);
  });
  const runtime = await lab.runtime();
  const limits = runtime.host.cgroup.controllers.includes('memory') ? { memory: '64M' } : {};
  const start = async () => {
    const id = lab.newId();
    const plan = await runtime.plan(lab.image, { id, command: ['true'], stdout: 'ignore', stderr: 'ignore', ...limits });
    const steps = plan.steps.map(({ step, field }) => ({ field, step: step.op === 'makeCgroup' ? { ...step, path: `${folder}/${id}` } : step }));
    const ear = new Ear();
    launcher.launch(id, encodePlan({ ...plan, steps }), [], ear);
    const event = await ear.hears('exited', 'failed');
    return event.op === 'exited' ? `exit ${event.status}` : event.op === 'failed' ? `step ${event.step}: errno ${event.error}` : event.op;
  };
  return { folder, start };
}

/** What it hands down, and how deep it lets others nest. */
function stateOf(folder: string): readonly string[] {
  return ['cgroup.subtree_control', 'cgroup.max.depth'].map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim());
}

/** Removes the folder whenever it is empty, as often as it is told to look, and counts how often it did. */
const remover = `
  const { rmdirSync } = require('node:fs');
  const { workerData: { base, shared, pauseMs } } = require('node:worker_threads');
  while (Atomics.wait(shared, 0, 0, pauseMs) === 'timed-out') try { rmdirSync(base); Atomics.add(shared, 1, 1); } catch {}
`;

/** Calls `body` again and again until somebody has removed the folder ten times. */
async function whileRemoving(base: string, pauseMs: number, body: () => Promise<void> | void): Promise<void> {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(remover, { eval: true, workerData: { base, shared, pauseMs } });
  const ended = once(worker, 'exit');
  try {
    while (Atomics.load(shared, 1) < 10) {
      await body();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
    await ended;
  }
}

here('a start makes it as a runtime does: with its controllers and its bound', async (t) => {
  const { facts, folder } = await ownBase();
  const { cgroup } = prepareBase(facts);
  const prepared = stateOf(folder);
  t.deepEqual(prepared, [cgroup.controllers.join(' '), '64']);
  rmdirSync(folder);
  const { start } = await startsIn(t);
  t.is(await start(), 'exit 0');
  t.deepEqual(stateOf(folder), prepared);
});

here('again, when the launcher knew it before it was removed', async (t) => {
  const { folder, start } = await startsIn(t);
  t.is(await start(), 'exit 0');
  const before = stateOf(folder);
  rmdirSync(folder);
  t.is(await start(), 'exit 0');
  t.deepEqual(stateOf(folder), before);
});

here('one that somebody else has made again, and not come further with', async (t) => {
  const { folder, start } = await startsIn(t);
  t.is(await start(), 'exit 0');
  const before = stateOf(folder);
  rmdirSync(folder);
  mkdirSync(folder);
  t.is(await start(), 'exit 0');
  t.deepEqual(stateOf(folder), before);
});

here('starts go on while somebody removes it whenever it is empty', async (t) => {
  const { folder, start } = await startsIn(t);
  let round = 0;
  await whileRemoving(folder, 0, async () => {
    const ends = await Promise.all(Array.from({ length: (round++ % 3) + 1 }, async () => start()));
    t.true(ends.every((end) => end === 'exit 0'), ends.join());
  });
});

here('runtimes are opened meanwhile', async (t) => {
  const { facts, folder } = await ownBase();
  t.teardown(() => { if (existsSync(folder)) rmdirSync(folder); });
  const { controllers } = (await lab.runtime()).host.cgroup;
  await whileRemoving(folder, 2 * patience, () => {
    t.deepEqual(prepareBase(facts).cgroup.controllers, controllers);
  });
});

lab.declareLeakTest();
