// What a launcher does not rely on, and what its client does not.
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { loadNative, type Addon } from '../../src/engine/addon.js';
import { Launcher } from '../../src/engine/launcher.js';
import { Runtime, SetupError } from '../../src/index.js';
import { encodePlan, PlanBuilder } from '../../src/plan/plan.js';
import type { Step } from '../../src/plan/wire.generated.js';
import { Ear } from '../support/exec-plans.js';
import { Lab } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { runChanged } from '../support/without-step.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** With another function of the addon in the place of its own. */
async function withAddon<T>(changes: Partial<Addon>, body: () => Promise<T>): Promise<T> {
  const { addon } = loadNative();
  const before = { ...addon };
  Object.assign(addon, changes);
  try {
    return await body();
  } finally {
    Object.assign(addon, before);
  }
}

here('a plan in a descriptor that could still change is refused', async (t) => {
  const env = { LONG: 'x'.repeat(120_000) };
  t.is((await lab.sh('echo ${#LONG}', { env })).stdout, '120000\n');
  const sealBytes = (bytes: Uint8Array): number => {
    const path = join(lab.scratch, 'plan');
    writeFileSync(path, bytes);
    return openSync(path, 'r');
  };
  const error = await withAddon({ sealBytes }, async () => t.throwsAsync(lab.sh('true', { env }), { instanceOf: SetupError }));
  t.is(error.syscall, 'fcntl');
});

here('SIGTERM, SIGINT and SIGHUP to a launcher end nothing, and its containers have them unblocked', async (t) => {
  const container = await lab.idle();
  const [launcher] = launchersOf(lab.stateRoot);
  if (launcher === undefined) return t.fail('no launcher is found');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) kill(launcher, signal);
  await delay(100);
  t.is((await lab.exec(container, { command: ['grep', '^SigBlk', '/proc/self/status'] })).stdout, 'SigBlk:\t0000000000000000\n');
  await container.stop({ graceMs: 0 });
});

here('streams that do not arrive fail that start alone', async (t) => {
  const container = await lab.idle();
  const lacking = withAddon({ receive: () => [] }, async () => lab.start({ command: ['sleep', '1000'] }));
  await t.throwsAsync(lacking, { code: 'ERR_TSRUN_HOST', message: /too many files are open/ });
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await container.stop({ graceMs: 0 });
});

here('what cannot be understood ends the connection, not the program', async (t) => {
  const runtime = await Runtime.open({ root: lab.stateRoot });
  const receive = () => {
    throw new Error('nothing is there');
  };
  const error = await withAddon({ receive }, async () => t.throwsAsync(runtime.run(lab.image, { id: lab.newId(), command: ['sleep', '1000'] })));
  t.like(error, { code: 'ERR_TSRUN_LAUNCHER_LOST', message: 'the connection to the launcher was given up' });
  t.like(error.cause, { message: 'nothing is there' });
  await runtime.close();
});

here('a request that cannot be sent is forgotten', async (t) => {
  const { launcher } = await lab.idle();
  const ear = new Ear();
  t.throws(() => launcher.launch('', new Uint8Array(8), [99_999], ear), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /EBADF/ });
  t.is(ear.lost, undefined);
});

here('what is no plan is refused, and none of its steps is blamed', async (t) => {
  const container = await lab.idle();
  const ear = new Ear();
  container.launcher.launch('', new Uint8Array(8), [], ear);
  t.like(await ear.hears('failed'), { step: 0xffff_ffff, error: constants.errno.EBADMSG });
  await container.stop({ graceMs: 0 });
});

here('a plan that makes a process ends with its program, or says that there is none', async (t) => {
  const { launcher } = await lab.idle();
  const clone = { op: 'clone', flags: 0, cgroup: null, joins: [], joinKinds: [], midwife: false, timeOffsets: '', procFiles: [], procValues: [], survive: false } as const;
  const hearsOf = (...steps: readonly Step[]): Ear => {
    const builder = new PlanBuilder();
    for (const step of steps) builder.add('', step);
    const ear = new Ear();
    launcher.launch('', encodePlan(builder.finish()), [], ear);
    return ear;
  };
  const whole = hearsOf(clone, { op: 'setUmask', mask: 0o22 }, { op: 'finish' });
  t.like(await whole.hears('exited', 'failed'), { op: 'exited', status: 0 });
  t.deepEqual(whole.events.map(({ op }) => op), ['started', 'exited']);
  t.like(await hearsOf(clone, { op: 'setDirectory', path: '/no/such', create: false }, { op: 'finish' }).hears('exited', 'failed'), { op: 'failed', step: 1 });
  for (const steps of [[clone], [clone, { op: 'setUmask', mask: 0o22 }], [clone, { op: 'finish' }, { op: 'setUmask', mask: 0o22 }], [{ op: 'finish' }]] satisfies Step[][]) {
    t.like(await hearsOf(...steps).hears('exited', 'failed'), { op: 'failed', step: 0xffff_ffff, error: constants.errno.EBADMSG }, JSON.stringify(steps));
  }
});

here('a filter of which the kernel would be told 16 bits of the length is refused', async (t) => {
  const allow = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f);
  const load = async (count: number) => runChanged(lab, { command: ['true'] }, (step) => (step.op === 'loadSeccomp' ? [{ ...step, filter: Buffer.alloc(count * allow.length, allow) }] : [step]));
  t.is(await load(1), 0, 'control');
  t.is(await load(65_537), -constants.errno.EINVAL);
});

here('output that cannot be watched fails its start, and a launcher does not live on for it', async (t) => {
  const launcher = Launcher.start(loadNative(), false);
  const { pid } = await launcher.ready;
  const file = openSync(join(lab.scratch, 'a-file'), 'w+');
  // More than is read of it at the end in any case.
  ftruncateSync(file, 3 * 2 ** 20);
  const ear = new Ear();
  launcher.launch('', plan((builder) => {
    builder.add('', { op: 'keepLog', source: builder.pass('output'), stream: 1, forward: null, maxBytes: 0 });
  }), [file], ear);
  closeSync(file);
  // epoll_ctl(2): a regular file is always ready, and so not to be waited for.
  t.like(await ear.hears('failed'), { step: 0, error: constants.errno.EPERM });
  launcher.close();
  t.teardown(() => { if (existsSync(`/proc/${pid}`)) kill(pid, 'SIGKILL'); });
  await until(() => !existsSync(`/proc/${pid}`), 'the end of the launcher');
  t.pass();
});

here('the memory that steps are measured into must be as large as they are many, and stay so', async (t) => {
  const { launcher } = await lab.idle();
  const attempt = async (memory: number) => {
    const ear = new Ear();
    launcher.launch('', plan((builder) => {
      builder.add('', { op: 'measureSteps', memory: builder.pass('timings') });
    }), [memory], ear);
    closeSync(memory);
    return ear.hears('failed', 'started');
  };
  const growing = openSync(join(lab.scratch, 'may-shrink'), 'w+');
  ftruncateSync(growing, 4096);
  const refusal = await attempt(growing);
  t.like(refusal, { op: 'failed', step: 0 });
  // A file on disk has no seals; one in memory has them, but not these.
  t.true('error' in refusal && [constants.errno.EINVAL, constants.errno.EPERM].includes(refusal.error));
  t.like(await attempt(loadNative().addon.shareMemory(3 * 8 - 1)), { op: 'failed', step: 0, error: constants.errno.EINVAL });
  t.like(await attempt(loadNative().addon.shareMemory(3 * 8)), { op: 'failed', step: 2 });
});

function plan(fill: (builder: PlanBuilder) => void): Uint8Array {
  const builder = new PlanBuilder();
  fill(builder);
  builder.add('', { op: 'clone', flags: 0, cgroup: null, joins: [], joinKinds: [], midwife: false, timeOffsets: '', procFiles: [], procValues: [], survive: false });
  builder.add('', { op: 'execute', paths: [], arguments: [], environment: [], reaper: false });
  return encodePlan(builder.finish());
}

/** A plan that fails once its folder is made. */
function doomed(folder: string): Uint8Array {
  return plan((builder) => {
    builder.add('', { op: 'recordState', directory: join(folder, 'one'), temporary: join(folder, '.one'), content: new Uint8Array(2), keep: false });
    builder.add('', { op: 'openTree', path: '/none/none', recursive: false, follow: true, into: builder.slot() });
  });
}

here('the launcher\'s descriptors do not grow with the folders that containers are made in', async (t) => {
  const container = await lab.idle();
  const [pid] = launchersOf(lab.stateRoot);
  const count = () => readdirSync(`/proc/${String(pid)}/fd`).length;
  const parent = mkdtempSync(join(lab.scratch, 'parents-'));
  const before = count();
  for (let number = 0; number < 60; number++) {
    const folder = join(parent, String(number));
    mkdirSync(folder);
    const ear = new Ear();
    container.launcher.launch('', doomed(folder), [], ear);
    t.like(await ear.hears('failed', 'started'), { op: 'failed', error: 2 });
    t.deepEqual(readdirSync(folder), []);
  }
  t.true(count() - before <= 16, `${count() - before} more`);
  t.is((await lab.sh('exit 4')).status.code, 4);
  await container.stop({ graceMs: 0 });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
