// Limits: really held where the controller is on cgroup v2, refused by name where it is not, told in the result.
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TsrunError, type Container, type ContainerEvent, type RunOptions } from '../../src/index.js';
import { Lab, outcome } from '../support/lab.js';
import { cgroupsOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const mebibyte = 1024 * 1024;
const memory = needs('root', 'cgroup2:memory');
const pids = needs('root', 'cgroup2:pids');
const cpu = needs('root', 'cgroup2:cpu');

const take = (bytes: number): RunOptions => ({ command: ['hog', 'memory', String(bytes)] });

/** A file of the container's cgroup, as the host sees it. */
function file(container: Container, name: string): string {
  return readFileSync(join(container.record.cgroup, name), 'utf8').trim();
}

async function withIdle(options: RunOptions, look: (container: Container) => void | Promise<void>): Promise<void> {
  const container = await lab.idle(options);
  try {
    await look(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

memory('who takes more memory than allowed dies of it, and the cause is told from the kernel\'s count', async (t) => {
  const { status } = await lab.run({ ...take(64 * mebibyte), memory: '16m' });
  t.like(status, { code: 137, signal: 'SIGKILL', cause: 'oom', oomKills: 1 });
  t.true((status.usage.memoryPeakBytes ?? 0) > 15 * mebibyte && (status.usage.memoryPeakBytes ?? 0) <= 16 * mebibyte);
  const allowed = await lab.run({ ...take(8 * mebibyte), memory: 16 * mebibyte });
  t.like(allowed.status, { code: 0, cause: 'exit', oomKills: 0 });
  t.true((allowed.status.usage.memoryPeakBytes ?? 0) > 8 * mebibyte);
});

memory('one process may die of memory while the container lives, unless they are to die together', async (t) => {
  const script = 'hog memory 67108864; echo $?';
  const { stdout, status } = await lab.sh(script, { memory: '16m' });
  t.is(stdout, '137\n');
  t.like(status, { code: 0, cause: 'exit', oomKills: 1 });
  const group = await lab.sh(script, { memory: '16m', unified: { 'memory.oom.group': '1' } });
  t.like(group.status, { code: 137, cause: 'oom' });
  const killed = await lab.sh('kill -KILL $(cat /proc/sys/kernel/ns_last_pid) 2>/dev/null; hog memory 67108864; kill -9 -1; exit 5', { memory: '16m' });
  t.is(killed.status.cause, 'exit');
});

memory('under the reaper, too', async (t) => {
  t.like((await lab.run({ ...take(64 * mebibyte), memory: '16m', init: true })).status, { code: 137, signal: 'SIGKILL', cause: 'oom' });
  const { status } = await lab.sh('hog memory 67108864; exit 137', { memory: '16m', init: true });
  t.like(status, { code: 137, cause: 'exit', oomKills: 1 });
});

memory('SIGKILL that a client asked for is no want of memory, whatever died of that before', async (t) => {
  for (const init of [false, true]) {
    const container = await lab.start({ command: ['sh', '-c', 'hog memory 67108864; echo; exec sleep 1000'], memory: '16m', init });
    if (container.stdout !== null) await once(container.stdout, 'data');
    await container.killAll();
    t.like(await container.exited, { code: 137, signal: 'SIGKILL', cause: 'signal', oomKills: 1 });
  }
});

memory('SIGKILL is not taken for want of memory', async (t) => {
  const container = await lab.idle({ memory: '64m' });
  await container.kill('SIGKILL');
  t.like(await container.exited, { code: 137, cause: 'signal', oomKills: 0 });
});

memory('a container under one mebibyte runs a static program', async (t) => {
  t.like((await lab.run({ command: ['/bin/true'], memory: mebibyte, stdout: 'ignore', stderr: 'ignore' })).status, { code: 0, cause: 'exit' });
});

memory('memory that is too little to start with ends in a result or an error that says so, and in nothing else', async (t) => {
  for (const bytes of [4096, 65_536]) {
    const ended = await lab.run({ command: ['/bin/true'], memory: bytes }).catch((error: unknown) => error);
    if (ended instanceof TsrunError) t.regex(ended.message, /memory|ENOMEM/);
    else t.like(ended, { status: { cause: 'oom' } });
  }
});

memory('the oom is an event while it happens, and the events end with the container', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'sleep 0.3; hog memory 67108864; exit 0'], memory: '16m' });
  const events: ContainerEvent[] = [];
  for await (const event of container.events()) events.push(event);
  const types = events.map(({ type }) => type);
  t.true(types.includes('oom'));
  t.is(types.at(-1), 'exited');
  t.like(events.find(({ type }) => type === 'oom'), { kills: 1 });
});

memory('files of the memory controller, from options', async (t) => {
  await withIdle({ memory: '64m', memorySwap: '64m', memoryReservation: '32m', unified: { 'memory.high': '50331648' } }, (container) => {
    t.is(file(container, 'memory.max'), String(64 * mebibyte));
    t.is(file(container, 'memory.swap.max'), '0');
    t.is(file(container, 'memory.low'), String(32 * mebibyte));
    t.is(file(container, 'memory.high'), String(48 * mebibyte));
  });
});

pids('no more processes than allowed; the refusals are counted', async (t) => {
  const { stdout, status } = await lab.run({ command: ['hog', 'forks', '100'], pids: 10 });
  t.is(stdout, 'forks 9 EAGAIN\n');
  t.true(status.pidsRefused >= 1);
  t.is((await lab.run({ command: ['hog', 'forks', '100'], pids: 200 })).stdout, 'forks 100 ok\n');
});

pids('a fork bomb is held by the default, does not reach the host, and ends at once', async (t) => {
  await withIdle({}, (container) => {
    t.is(file(container, 'pids.max'), '1024');
  });
  const bomb = await lab.start({ command: ['sh', '-c', 'b() { b | b & b; }; b'], pids: 200, stderr: 'ignore', stdout: 'ignore' });
  const events = bomb.events();
  for await (const event of events) if (event.type === 'pids-max') break;
  t.is((await lab.sh('echo alive')).stdout, 'alive\n');
  await bomb[Symbol.asyncDispose]();
  t.true((await bomb.exited).pidsRefused > 0);
});

cpu('processor time is held to the share that was asked for', async (t) => {
  const used = async (cpus: number | undefined) => {
    const { status } = await lab.sh('timeout -s KILL 3 sh -c "while :; do :; done"; true', cpus === undefined ? {} : { cpus });
    return status.usage.cpuUs / (status.durationMs * 1000);
  };
  const [quarter, whole] = [await used(0.25), await used(undefined)];
  t.true(quarter > 0.15 && quarter < 0.35, `a quarter is ${quarter}`);
  t.true(whole > 2 * quarter, `all is ${whole}`);
});

cpu('how often it was held back stands in the statistics; weights and quotas are files', async (t) => {
  await withIdle({ cpus: 0.1, cpuShares: 512, command: ['sh', '-c', 'while :; do :; done'] }, async (container) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { cpu: used } = await container.stats();
    t.true((used.throttling?.throttledPeriods ?? 0) > 3);
    t.true((used.throttling?.throttledUs ?? 0) > 100_000);
    t.is(file(container, 'cpu.max'), '10000 100000');
    t.true(Number(file(container, 'cpu.weight')) < 100);
  });
});

needs('root', 'cgroup2:cpuset')('the program runs only on the processors that it was given', async (t) => {
  const { stdout } = await lab.sh('grep Cpus_allowed_list /proc/self/status; nproc', { cpusetCpus: '1' });
  t.is(stdout, 'Cpus_allowed_list:\t1\n1\n');
});

needs('root', 'cgroup2:io', 'lane:vm')('writes to a disk are slowed to the rate that was asked for, and counted', async (t) => {
  const device = statSync(lab.scratch).dev;
  const name = `${device >> 8}:${device & 0xff}`;
  const mounts: RunOptions['mounts'] = [{ type: 'bind', source: lab.scratch, destination: '/disk', options: ['idmap'] }];
  const write = async (file: string, unified: Record<string, string>) => (await lab.sh(`dd if=/dev/zero of=/disk/${file} bs=64k count=64 conv=fsync 2>/dev/null`, { mounts, unified })).status;
  const [free, held] = [await write('free', {}), await write('held', { 'io.max': `${name} wbps=1048576` })];
  t.true(held.durationMs > 2500 && held.durationMs > 2 * free.durationMs, `${held.durationMs} ms against ${free.durationMs}`);
  t.true((held.usage.writtenBytes ?? 0) >= 4 * mebibyte, JSON.stringify(held.usage));
});

needs('root', 'cgroup2:hugetlb')('a file by its name, as it was written; a value that the kernel refuses undoes everything', async (t) => {
  await withIdle({ unified: { 'hugetlb.2MB.max': '4194304' } }, (container) => {
    t.is(file(container, 'hugetlb.2MB.max'), '4194304');
  });
  const error = await t.throwsAsync(lab.idle({ unified: { 'hugetlb.2MB.current': '5' } }), { instanceOf: TsrunError });
  t.regex(error.message, /the kernel does not take '5' for hugetlb\.2MB\.current: E[A-Z]+ \(step \d+ of \d+, from \/linux\/resources\/unified\/hugetlb/);
  t.truthy(error.hint);
  t.deepEqual(cgroupsOf(lab.prefix), []);
});

needs('root', 'cgroup2:memory', 'cgroup2:pids')('limits of a live container are changed, all or none', async (t) => {
  await withIdle({ memory: '64m', pids: 50 }, async (container) => {
    await container.update({ memory: { limit: 32 * mebibyte }, pids: { limit: 20 } });
    t.is(file(container, 'memory.max'), String(32 * mebibyte));
    t.is(file(container, 'pids.max'), '20');
    await t.throwsAsync(container.update({ pids: { limit: 30 }, unified: { 'memory.nonsense': '1' } }), { instanceOf: TsrunError });
    t.is(file(container, 'pids.max'), '20');
    const { stdout } = await lab.exec(container, { command: ['hog', 'forks', '100'] });
    t.regex(stdout, /^forks 1\d EAGAIN/);
  });
});

memory('a reservation is taken away again, and never above the limit that holds', async (t) => {
  await withIdle({ memory: '64m', memoryReservation: '32m' }, async (container) => {
    t.is(file(container, 'memory.low'), String(32 * mebibyte));
    await t.throwsAsync(container.updateLimits({ memoryReservation: '65m' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /memoryReservation/ });
    await container.updateLimits({ memoryReservation: 0 });
    t.is(file(container, 'memory.low'), '0');
  });
});

needs('root', 'cgroup2:io', 'cgroup2:pids')('the kernel takes back a weight of io when a later limit is not to be had', async (t) => {
  await withIdle({}, async (container) => {
    const before = file(container, 'io.weight');
    // One more than pids_max_write() of the kernel takes.
    const unified = { 'io.weight': '4950', 'pids.max': '4194305' };
    await t.throwsAsync(container.update({ unified }), { code: 'ERR_TSRUN_SETUP', message: /'4194305' for pids\.max .*: nothing was changed/ });
    t.is(file(container, 'io.weight'), before);
    await container.update({ unified: { 'io.weight': '4950' } });
    t.not(file(container, 'io.weight'), before);
  });
});

needs('root', 'cgroup2')('device rules of a live container are not changed, and nobody is told that they were', async (t) => {
  await withIdle({}, async (container) => {
    await t.throwsAsync(container.update({ devices: [{ allow: false, access: 'rwm' }] }), { code: 'ERR_TSRUN_UNSUPPORTED' });
  });
});

needs('root', 'cgroup2:memory', 'cgroup2:pids')('statistics say what is used now and what is allowed', async (t) => {
  await withIdle({ memory: '64m', pids: 50, command: ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'] }, async (container) => {
    const stats = await container.stats();
    t.true(stats.cpu.usageUs > 0);
    t.is(stats.memory?.maxBytes, 64 * mebibyte);
    t.true((stats.memory?.currentBytes ?? 0) > 0 && (stats.memory?.currentBytes ?? 0) < 64 * mebibyte);
    t.like(stats.pids, { current: 3, max: 50, refusedForks: 0 });
  });
});

needs('root', 'cgroup2')('processor time of all processes stands in the result', async (t) => {
  const { status } = await lab.sh('for i in 1 2; do timeout -s KILL 1 sh -c "while :; do :; done"; done; true');
  t.true(status.usage.cpuUs > 500_000, JSON.stringify(status.usage));
  t.true(status.usage.userUs + status.usage.systemUs > 500_000);
  t.true(status.durationMs > 1900);
});

needs('root', 'cgroup:hybrid')('a limit that this host cannot hold is refused by controller and place; a default only warns', async (t) => {
  const error = await t.throwsAsync(lab.idle({ memory: '64m' }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_LIMIT_UNAVAILABLE');
  t.regex(error.message, /memory.*cgroup v1.*\/sys\/fs\/cgroup\/memory/);
  t.truthy(error.hint);
  t.regex(error.field ?? '', /memory/);
  for (const start of ['as the first', 'as one before']) {
    const told: string[] = [];
    const onWarning = (warning: string) => told.push(warning);
    await withIdle({ onWarning }, (container) => {
      t.is(container.warnings.length, 1);
      t.regex(container.warnings[0] ?? '', /pids/);
      t.deepEqual(told, container.warnings, start);
    });
  }
  const strict = await t.throwsAsync(lab.idle({ strict: true }), { instanceOf: TsrunError });
  t.is(strict.code, 'ERR_TSRUN_LIMIT_UNAVAILABLE');
  await t.throwsAsync(lab.idle({ pids: 5 }), { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE' });
  await t.throwsAsync(lab.idle({ unified: { 'pids.max': '5' } }), { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', message: /unified\/pids\.max/ });
});

needs('root', 'cgroup2')('every container has a cgroup of its own, in which it was born', async (t) => {
  await withIdle({ namespaces: { cgroup: 'host' } }, async (container) => {
    const path = readFileSync(`/proc/${container.pid}/cgroup`, 'utf8').split('\n').find((line) => line.startsWith('0::'));
    t.regex(path ?? '', new RegExp(`^0::/tsrun/${container.id}-`));
    const { stdout } = await outcome(await (await lab.runtime()).exec(container, { command: ['grep', '^0::', '/proc/self/cgroup'] }));
    t.is(stdout.trim(), path ?? '', 'what is executed in it as well');
  });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
