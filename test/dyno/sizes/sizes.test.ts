import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseSizes } from '../../../src/dyno/sizes/parse-sizes.js';
import { hardLimitBytes, sizeLimits, withLimits } from '../../../src/dyno/sizes/size-limits.js';
import { dynoSizes, namedSize, sizeOf, sizeShape } from '../../../src/dyno/sizes/sizes.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { Faults } from '../../../src/spec/faults.js';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

test('sizes of the Dev Center: quota, where R15 comes, processes and threads', (t) => {
  const rows: [name: string, quota: number, hard: number, pids: number][] = [
    ['eco', 536_870_912, gibibyte, 256],
    ['basic', 536_870_912, gibibyte, 256],
    ['standard-1x', 536_870_912, gibibyte, 256],
    ['standard-2x', 1_073_741_824, 2 * gibibyte, 512],
    ['private-s', gibibyte, gibibyte, 512],
    ['shield-s', gibibyte, gibibyte, 512],
    ['performance-m', 2_684_354_560, 5 * gibibyte, 16_384],
    ['performance-l', 15_032_385_536, 28 * gibibyte, 32_768],
    ['performance-l-ram', 30 * gibibyte, 36 * gibibyte, 16_384],
    ['performance-xl', 62 * gibibyte, Math.floor(74.4 * gibibyte), 32_768],
    ['performance-2xl', 126 * gibibyte, Math.floor(151.2 * gibibyte), 65_536],
  ];
  t.deepEqual(rows.map(([name]) => name), Object.keys(dynoSizes));
  for (const [name, quota, hard, pids] of rows) {
    const size = namedSize(name);
    if (size === undefined) t.fail(name);
    else t.deepEqual([size.memoryBytes, hardLimitBytes(size), size.pids, size.openFiles], [quota, hard, pids, 10_000], name);
  }
  t.is(namedSize('Standard-1X'), dynoSizes['standard-1x']);
});

test('sizes of Fir say what they have', (t) => {
  t.deepEqual(namedSize('dyno-1c-0.5gb'), { memoryBytes: 512 * mebibyte, hardFactor: 1, cpus: 1, openFiles: 10_000 });
  t.deepEqual(namedSize('dyno-16c-64gb'), { memoryBytes: 64 * gibibyte, hardFactor: 1, cpus: 16, openFiles: 10_000 });
  for (const name of ['dyno-0c-1gb', 'dyno-1c-0gb', 'dyno-c-1gb', 'dyno-1c-1mb', 'dyno-1c-1gb ', 'xdyno-1c-1gb', 'constructor', '']) t.is(namedSize(name), undefined, name);
  t.throws(() => sizeOf('dyno-1c-0gb'), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /dyno-1c-0gb/ });
});

test('limits of a size: the kernel\'s is the hard one, and swap is what lies between', (t) => {
  const { 'standard-1x': standard, 'private-s': isolated } = dynoSizes;
  const limits = {
    memory: gibibyte, memorySwap: gibibyte, cpuShares: 1024, pids: 256, ulimits: { nproc: { soft: 256, hard: 256 }, nofile: { soft: 10_000, hard: 10_000 } }, unified: { 'memory.oom.group': '1' },
  };
  t.deepEqual(sizeLimits(standard, { swapBytes: 0 }), limits);
  t.deepEqual(sizeLimits(standard, { swapBytes: 1 }), { ...limits, memorySwap: gibibyte + 512 * mebibyte });
  t.like(sizeLimits(isolated, { swapBytes: 1 }), { memory: gibibyte, memorySwap: gibibyte });
  t.deepEqual(sizeLimits({ memoryBytes: 100 * mebibyte, hardFactor: 1.5, cpus: 0.5, oomGroup: false, diskBytes: 5 }, { swapBytes: 0 }), {
    memory: 150 * mebibyte, memorySwap: 150 * mebibyte, cpus: 0.5, ulimits: {}, unified: { 'memory.oom.group': '0' }, rootBytes: 5, rootStorage: 'disk',
  });
});

test('what a size says goes before what its container was given, and leaves the rest', (t) => {
  const given = { memory: '1g', pids: 5, ulimits: { core: { soft: 0, hard: 0 }, nproc: { soft: 1, hard: 1 } }, unified: { 'memory.high': '5', 'memory.oom.group': '0' }, user: '5' };
  t.deepEqual(withLimits(given, sizeLimits({ memoryBytes: mebibyte, pids: 9 }, { swapBytes: 0 })), {
    user: '5', memory: 2 * mebibyte, memorySwap: 2 * mebibyte, pids: 9, ulimits: { core: { soft: 0, hard: 0 }, nproc: { soft: 9, hard: 9 } }, unified: { 'memory.high': '5', 'memory.oom.group': '1' },
  });
});

test('sizes in one word', (t) => {
  const standard = dynoSizes['standard-1x'];
  const rows: [text: string, sizes: ReturnType<typeof parseSizes>][] = [
    ['standard-1x', { size: standard, types: {} }],
    ['web=standard-1x,worker=512m', { types: { web: standard, worker: { memoryBytes: 512 * mebibyte } } }],
    ['web=standard-1x+2g,512m+64m', { size: { memoryBytes: 512 * mebibyte, diskBytes: 64 * mebibyte }, types: { web: { ...standard, diskBytes: 2 * gibibyte } } }],
    [' web=ECO 1g,', { size: { memoryBytes: gibibyte }, types: { web: standard } }],
  ];
  for (const [text, sizes] of rows) t.deepEqual(parseSizes(text), sizes, text);
  const faults: [text: string, message: RegExp][] = [
    ['', /no size is named/],
    ['web=', /there is no size "web="/],
    ['web=standard-3x', /there is no size "standard-3x"/],
    ['1023k', /there is no size "1023k"/],
    ['web=1g,web=2g', /"web" stands there twice/],
    ['web=standard-1x+', /"" is no amount of disk/],
    ['512m+much', /"much" is no amount of disk/],
    ['+1g', /there is no size ""/],
    ['1g,2g', /a size for all types stands there twice/],
    ['web=a\u001b', /there is no size "a\\u001b"/],
  ];
  for (const [text, message] of faults) {
    const error = t.throws(() => parseSizes(text), { instanceOf: TsrunError, code: 'ERR_TSRUN_INVALID_ARGUMENT' }, text);
    t.regex(error.message, message);
    t.regex(error.hint ?? '', /standard-1x/);
  }
});

test('a size that is none is refused by its field', (t) => {
  const rows: [size: unknown, field: string][] = [
    ['huge', ''],
    [5, ''],
    [{}, '/memoryBytes'],
    [{ memoryBytes: 5 }, '/memoryBytes'],
    [{ memoryBytes: mebibyte, hardFactor: 0.9 }, '/hardFactor'],
    [{ memoryBytes: mebibyte, memory: 1 }, '/memory'],
    [{ memoryBytes: mebibyte, pids: 0 }, '/pids'],
  ];
  for (const [size, field] of rows) {
    const faults = new Faults();
    sizeShape.check(size, '', faults);
    t.is(faults.list[0]?.field, field, JSON.stringify(size));
  }
  const none = new Faults();
  for (const size of ['standard-2x', 'dyno-2c-1gb', { memoryBytes: mebibyte }]) sizeShape.check(size, '', none);
  t.deepEqual(none.list, []);
});

test('the table of sizes in docs/dynos.md has all of them, as they are', (t) => {
  const [, table = ''] = readFileSync('docs/dynos.md', 'utf8').split('| size | memory |');
  const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (`.+`) \| ([\d.]+) (MiB|GiB) \| ([\d.]+) × \| (\S.*?) \| (\d+) \|$/gm)];
  const told = rows.flatMap(([, names = '', amount, unit, factor, processors = '', pids]) =>
    names.split(', ').map((name) => [name.replaceAll('`', ''), Number(amount) * (unit === 'GiB' ? gibibyte : mebibyte), Number(factor), /^\d+$/.test(processors) ? Number(processors) : undefined, Number(pids)]));
  t.deepEqual(told, Object.keys(dynoSizes).map((name) => {
    const { memoryBytes, hardFactor = 2, cpus, pids } = namedSize(name) ?? { memoryBytes: 0 };
    return [name, memoryBytes, hardFactor, cpus, pids];
  }));
});
