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

/** Removes the folder whenever it is empty, as often as it is told to look; says how often it did at the end. */
const remover = `
  const { rmdirSync } = require('node:fs');
  const { parentPort, workerData: { base, told, pauseMs } } = require('node:worker_threads');
  let removed = 0;
  while (Atomics.wait(told, 0, 0, pauseMs) === 'timed-out') try { rmdirSync(base); removed++; } catch {}
  parentPort.postMessage(removed);
`;

async function whileRemoving(base: string, pauseMs: number, body: () => Promise<void>): Promise<number> {
  const told = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(remover, { eval: true, workerData: { base, told, pauseMs } });
  const count = once(worker, 'message').then(([removed]) => Number(removed));
  await once(worker, 'online');
  try {
    await body();
  } finally {
    Atomics.store(told, 0, 1);
    Atomics.notify(told, 0);
  }
  return count;
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
  const removed = await whileRemoving(folder, 0, async () => {
    for (let round = 0; round < (patience > 1 ? 5 : 40); round++) {
      const ends = await Promise.all(Array.from({ length: (round % 3) + 1 }, async () => start()));
      t.true(ends.every((end) => end === 'exit 0'), ends.join());
    }
  });
  t.true(removed > 0, 'nobody has removed anything');
});

here('runtimes are opened meanwhile', async (t) => {
  const { facts, folder } = await ownBase();
  t.teardown(() => { if (existsSync(folder)) rmdirSync(folder); });
  const { cgroup: { controllers } } = await lab.runtime().then(({ host }) => host);
  const removed = await whileRemoving(folder, 1, async () => {
    for (let round = 0; round < 200; round++) {
      t.deepEqual(prepareBase(facts).cgroup.controllers, controllers);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  t.true(removed > 0, 'nobody has removed anything');
});

lab.declareLeakTest();
