import test from 'ava';
import { decimal, integer, seconds, signal, size, sizeOrUnlimited, toggle } from '../../src/cli/values/basic.js';
import { cpuList, device, storage, ulimit } from '../../src/cli/values/limits.js';
import { since } from '../../src/cli/values/since.js';
import { accepts, nowMs, rejects } from './support.js';

test('booleans as Go reads them', (t) => {
  accepts(t, toggle, [['true', true], ['T', true], ['1', true], ['false', false], ['FALSE', false], ['0', false]]);
  rejects(t, toggle, [['', /true or false/], ['yes', /true or false/]]);
});

test('sizes', (t) => {
  accepts(t, size, [['0', 0], ['1024', 1024], ['512m', 512 * 1024 ** 2], ['1G', 1024 ** 3], ['64KiB', 65_536]]);
  rejects(t, size, [['', /bytes/], ['-1', /bytes/], ['m', /bytes/], ['1x', /bytes/], ['99999999999999999999', /bytes/]]);
  accepts(t, sizeOrUnlimited, [['-1', -1], ['1k', 1024]]);
  rejects(t, sizeOrUnlimited, [['-2', /or -1 for no limit$/]]);
});

test('numbers', (t) => {
  accepts(t, integer({ min: -5, max: 5 }), [['-5', -5], ['0', 0], ['5', 5]]);
  rejects(t, integer({ min: -5, max: 5 }), [
    ['6', 'expected an integer from -5 to 5'],
    ['1.5', /integer/],
    ['0x1', /integer/],
    ['', /integer/],
    [' 1', /integer/],
    ['9007199254740993', /integer/],
  ]);
  rejects(t, integer({ min: 1, also: { value: -1, meaning: 'no limit' } }), [['0', 'expected an integer of at least 1, or -1 for no limit']]);
  accepts(t, decimal({ min: 0.01, max: 8192 }), [['1', 1], ['0.5', 0.5], ['.25', 0.25], ['8192', 8192]]);
  rejects(t, decimal({ min: 0.01, max: 8192 }), [
    ...['0', '0.001', '8193', '-1', '1e3', 'NaN', '1.', ''].map((text) => [text, 'expected a number from 0.01 to 8192'] as const),
  ]);
});

test('seconds become milliseconds, and -1 stays', (t) => {
  accepts(t, seconds, [['0', 0], ['30', 30_000], ['-1', -1]]);
  rejects(t, seconds, [['-2', /or -1 for no end/], ['1.5', /integer/], ['2147484', /from 0 to 2147483/]]);
});

test('signals', (t) => {
  accepts(t, signal, [['SIGTERM', 'SIGTERM'], ['hup', 'hup'], ['15', '15']]);
  rejects(t, signal, [['SIGTREM', /expected a signal/], ['0', /expected a signal/], ['', /expected a signal/], ['99', /expected a signal/]]);
});

test('--ulimit', (t) => {
  accepts(t, ulimit, [
    ['nofile=1024', { name: 'nofile', soft: 1024, hard: 1024 }],
    ['nofile=1024:4096', { name: 'nofile', soft: 1024, hard: 4096 }],
    ['core=0:-1', { name: 'core', soft: 0, hard: -1 }],
    ['stack=unlimited', { name: 'stack', soft: -1, hard: -1 }],
  ]);
  rejects(t, ulimit, [
    ['nofile', 'expected KEY=VALUE'],
    ['nofiles=1', 'unknown limit "nofiles", did you mean "nofile"?'],
    ['RLIMIT_NOFILE=1', /unknown limit/],
    ['nofile=2:1', 'the soft limit 2 is above the hard limit 1'],
    ['nofile=-1:1', 'the soft limit -1 is above the hard limit 1'],
    ['nofile=1:2:3', /NAME=SOFT/],
    ['nofile=', /integer/],
    ['nofile=1:', /integer/],
  ]);
});

test('--storage-opt and --cpuset-cpus', (t) => {
  accepts(t, storage, [['size=1m', { rootBytes: 1024 ** 2 }], ['type=disk', { rootStorage: 'disk' }], ['size=1g,type=memory', { rootBytes: 1024 ** 3, rootStorage: 'memory' }]]);
  rejects(t, storage, [['size', /KEY=VALUE/], ['type=ssd', 'unknown type "ssd"'], ['size=1m,', /KEY=VALUE/], ['dm.size=1', 'unknown option "dm.size"'], ['size=', /bytes/]]);
  accepts(t, cpuList, [['0', '0'], ['0-3,6', '0-3,6']]);
  rejects(t, cpuList, [['', /processor numbers/], ['3-1', /processor numbers/], ['0,', /processor numbers/], ['a', /processor numbers/]]);
});

test('--device', (t) => {
  accepts(t, device, [
    ['/dev/fuse', { source: '/dev/fuse' }],
    ['/dev/fuse:r', { source: '/dev/fuse', access: 'r' }],
    ['/dev/sda:/dev/x', { source: '/dev/sda', destination: '/dev/x' }],
    ['/dev/sda:/dev/x:rwm', { source: '/dev/sda', destination: '/dev/x', access: 'rwm' }],
  ]);
  rejects(t, device, [
    ['fuse', /expected a device/],
    ['/dev/a:/dev/b:rw:x', /expected a device/],
    ['/dev/a:/dev/b:rx', /^the access "rx"/],
    ['/dev/a:rr', /^the access "rr"/],
    ['/dev/a:', /^the access ""/],
  ]);
});

test('--since', (t) => {
  accepts(t, since, [
    ['42m', nowMs - 42 * 60_000],
    ['1h30m', nowMs - 5_400_000],
    ['2d', nowMs - 172_800_000],
    ['1700000000', 1_700_000_000_000],
    ['1700000000.5', 1_700_000_000_500],
    ['2026-01-31T12:00:00Z', nowMs],
  ]);
  rejects(t, since, [['', /a date/], ['yesterday', /a date/], ['2026-13-40', /a date/], ['5w', /a date/]]);
});
