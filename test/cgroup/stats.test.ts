import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readStats } from '../../src/cgroup/read-stats.js';
import { parseCpuStat, parseFlat, parseIoStat, parseLimit, parseMemoryEvents, parsePressure } from '../../src/cgroup/stats.js';

const cpuCore = 'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n';
const pressure = 'some avg10=0.12 avg60=1.00 avg300=2.50 total=12345\nfull avg10=0.00 avg60=0.00 avg300=0.10 total=99\n';

test('flat files', (t) => {
  t.deepEqual(parseFlat('anon 4096\nfile 0\n\n'), { anon: 4096, file: 0 });
  t.deepEqual(parseFlat(''), {});
});

test('limits', (t) => {
  t.is(parseLimit('max\n'), 'max');
  t.is(parseLimit('1048576\n'), 1_048_576);
});

test('cpu.stat of the core, and of the controller', (t) => {
  const core = { usageUs: 1500, userUs: 1000, systemUs: 500 };
  t.deepEqual(parseCpuStat(cpuCore), core);
  t.deepEqual(parseCpuStat(`${cpuCore}nr_periods 10\nnr_throttled 3\nthrottled_usec 77\nnr_bursts 1\nburst_usec 5\n`), {
    ...core,
    throttling: { periods: 10, throttledPeriods: 3, throttledUs: 77, bursts: 1, burstUs: 5 },
  });
});

test('memory.events of old and of new kernels', (t) => {
  t.deepEqual(parseMemoryEvents('low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n'), { low: 0, high: 1, max: 2, oom: 3, oomKill: 4, oomGroupKill: 0 });
  t.is(parseMemoryEvents('oom_group_kill 1\nsock_throttled 5\n').oomGroupKill, 1);
});

test('io.stat, with a device that saw no traffic', (t) => {
  t.deepEqual(parseIoStat('254:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=7 dios=3\n8:0\n\n'), [
    { device: '254:0', readBytes: 8192, writtenBytes: 4096, reads: 2, writes: 1, discardedBytes: 7, discards: 3 },
    { device: '8:0', readBytes: 0, writtenBytes: 0, reads: 0, writes: 0, discardedBytes: 0, discards: 0 },
  ]);
  t.deepEqual(parseIoStat(''), []);
});

test('pressure, also of cpu on kernels that have no full line there', (t) => {
  const some = { avg10: 0.12, avg60: 1, avg300: 2.5, totalUs: 12_345 };
  t.deepEqual(parsePressure(pressure), { some, full: { avg10: 0, avg60: 0, avg300: 0.1, totalUs: 99 } });
  t.deepEqual(parsePressure(pressure.split('\n')[0] ?? ''), { some });
  t.is(parsePressure(''), undefined);
});

async function cgroupOf(files: Record<string, string>): Promise<{ dir: string } & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'tsrun-stats-'));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text)));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test('a cgroup with every controller', async (t) => {
  await using fake = await cgroupOf({
    'cpu.stat': cpuCore,
    'memory.current': '100\n',
    'memory.peak': '200\n',
    'memory.max': 'max\n',
    'memory.swap.current': '1\n',
    'memory.swap.max': '2\n',
    'memory.events': 'oom_kill 1\n',
    'memory.stat': 'anon 50\n',
    'pids.current': '3\n',
    'pids.max': '10\n',
    'pids.events': 'max 4\n',
    'io.stat': '',
    'memory.pressure': pressure,
  });
  const stats = await readStats(fake.dir);
  t.deepEqual(stats?.memory, {
    currentBytes: 100,
    peakBytes: 200,
    maxBytes: 'max',
    swapBytes: 1,
    swapMaxBytes: 2,
    events: { low: 0, high: 0, max: 0, oom: 0, oomKill: 1, oomGroupKill: 0 },
    stat: { anon: 50 },
  });
  t.deepEqual(stats?.pids, { current: 3, max: 10, refusedForks: 4 });
  t.deepEqual(stats?.io, []);
  t.is(stats?.pressure.memory?.some.totalUs, 12_345);
  t.is(stats?.pressure.cpu, undefined);
});

test('a cgroup of a hybrid host has the core only', async (t) => {
  await using fake = await cgroupOf({ 'cpu.stat': cpuCore });
  t.deepEqual(await readStats(fake.dir), { cpu: { usageUs: 1500, userUs: 1000, systemUs: 500 }, pressure: {} });
});

test('a cgroup that is gone', async (t) => {
  t.is(await readStats('/nonexistent/cgroup'), undefined);
});
