// From the kernel's files of a dyno's cgroup to what stands in its row: the files as Linux 6.1 has them with every controller.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readStats } from '../../../src/cgroup/read-stats.js';
import { columns, tableCells, tableColumns } from '../../../src/cli/top/columns.js';
import { rowsOf, type TopRow } from '../../../src/cli/top/rows.js';
import type { ContainerStats } from '../../../src/index.js';
import { dyno, sight, useOf } from './support.js';

const mebibyte = 2 ** 20;

/** At its start, with two seconds of a quarter of a processor behind it. */
const begun = {
  'cpu.stat': 'usage_usec 500000\nuser_usec 400000\nsystem_usec 100000\ncore_sched.force_idle_usec 0\nnr_periods 20\nnr_throttled 18\nthrottled_usec 1400000\nnr_bursts 0\nburst_usec 0\n',
  'memory.current': `${200 * mebibyte}\n`,
  'memory.peak': `${210 * mebibyte}\n`,
  'memory.max': `${1024 * mebibyte}\n`,
  'memory.swap.current': '0\n',
  'memory.swap.max': `${512 * mebibyte}\n`,
  'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
  'memory.stat': `anon ${150 * mebibyte}\nfile ${40 * mebibyte}\nkernel 3153920\nshmem 0\nfile_mapped 12288\ninactive_anon ${150 * mebibyte}\nactive_anon 4096\ninactive_file ${30 * mebibyte}\nactive_file ${10 * mebibyte}\npgfault 51234\npgmajfault 3\n`,
  'pids.current': '12\n',
  'pids.max': '256\n',
  'pids.events': 'max 0\n',
  'cpu.pressure': 'some avg10=61.50 avg60=20.00 avg300=4.80 total=1523000\nfull avg10=58.00 avg60=18.10 avg300=4.20 total=1400000\n',
  'memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=12\n',
  'io.pressure': 'some avg10=1.20 avg60=0.40 avg300=0.10 total=40000\nfull avg10=1.10 avg60=0.40 avg300=0.10 total=39000\n',
};

/** A second later: 250 ms more of its time, nine of ten periods ended early, and memory nearly full. */
const later = {
  ...begun,
  'cpu.stat': 'usage_usec 750000\nuser_usec 620000\nsystem_usec 130000\ncore_sched.force_idle_usec 0\nnr_periods 30\nnr_throttled 27\nthrottled_usec 2150000\nnr_bursts 0\nburst_usec 0\n',
  'memory.current': `${1000 * mebibyte}\n`,
  'pids.current': '250\n',
  'pids.events': 'max 3\n',
};

async function statsOf(files: Readonly<Record<string, string>>): Promise<ContainerStats> {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-top-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const stats = await readStats(folder);
    if (stats === undefined) throw new Error('there are no figures');
    return stats;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function rowOfFiles(files: Readonly<Record<string, string>>): Promise<TopRow> {
  const before = useOf('app.web.1', { stats: await statsOf(begun), atMs: 0 });
  const [row] = rowsOf(sight([useOf('app.web.1', { stats: await statsOf(files), atMs: 1000 })], { before: new Map([['app.web.1', before]]), dynos: [dyno('app', 'web')] }));
  if (row === undefined) throw new Error('there is no row');
  return row;
}

const byTitle = (row: TopRow): Readonly<Record<string, string>> => Object.fromEntries(tableCells(row).map((text, index) => [tableColumns[index]?.title ?? '', text]));

test('memory without what can be dropped at once, of its limit; tasks, pressure, and turns that its processor limit ended', async (t) => {
  const row = await rowOfFiles(later);
  t.like(row, { cpuPercent: 25, memoryBytes: 970 * mebibyte, memoryLimitBytes: 1024 * mebibyte, pids: 250, pidsLimit: 256, throttledPercent: 90, pressurePercent: { cpu: 61.5, memory: 0, io: 1.2 } });
  t.deepEqual(byTitle(row), {
    'NAME': 'app.web.1', 'STATE': 'up', 'CPU': '25.0%', 'MEMORY / LIMIT': '970MiB / 1GiB', 'PIDS': '250', 'UPTIME': '1m5s', 'PRESSURE': 'cpu 62%', 'RESTARTS': '3', 'THROTTLED': '90.0%',
  });
  t.deepEqual((['cpu', 'memory', 'pids', 'pressure', 'throttled'] as const).map((key) => columns[key].style?.(row)), ['green', 'red', 'red', 'red', 'red']);
});

test('a limit that there is not is that of the host, or none; a controller that is not there leaves dashes', async (t) => {
  const free = await rowOfFiles({ ...later, 'memory.max': 'max\n', 'pids.max': 'max\n' });
  t.like(free, { memoryLimitBytes: 2 ** 30, pids: 250, pidsLimit: undefined });
  t.is(columns.pids.style?.(free), undefined);
  const bare = await rowOfFiles({ 'cpu.stat': 'usage_usec 750000\nuser_usec 620000\nsystem_usec 130000\n' });
  t.like(byTitle(bare), { 'CPU': '25.0%', 'MEMORY / LIMIT': '-', 'PIDS': '-', 'PRESSURE': '-', 'THROTTLED': '-' });
});
