import test from 'ava';
import { parseIdMap, parseInterfaces, parseLimits, parseMountinfo, parseNamespaceLink, parseStatus } from '../../src/host/proc-files.js';

test('status: ids, sets, seccomp', (t) => {
  const status = [
    'Name:\tsleep', 'Umask:\t0027', 'Uid:\t524288\t524289\t524290\t524289', 'Gid:\t1\t1\t1\t1', 'Groups:\t5 10 ',
    'CapInh:\t0000000000000000', 'CapPrm:\t0000000000000001', 'CapEff:\t0000000000000401', 'CapBnd:\t000001ffffffffff', 'CapAmb:\t0000000000000000',
    'NoNewPrivs:\t1', 'Seccomp:\t2', 'Seccomp_filters:\t3', '',
  ].join('\n');
  const parsed = parseStatus(status);
  t.deepEqual(parsed.uid, { real: 524288, effective: 524289, saved: 524290 });
  t.deepEqual(parsed.groups, [5, 10]);
  t.is(parsed.umask, 0o27);
  t.deepEqual(parsed.capabilities.effective, ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE']);
  t.is(parsed.capabilities.bounding.length, 41);
  t.deepEqual(parsed.capabilities.ambient, []);
  t.like(parsed, { noNewPrivileges: true, seccompMode: 'filter', seccompFilters: 3 });
});

test('status: lines that this kernel does not have', (t) => {
  t.like(parseStatus('Name:\tx\n'), { groups: [], seccompMode: 'off', seccompFilters: 0, noNewPrivileges: false });
});

test('id maps', (t) => {
  t.deepEqual(parseIdMap('         0     524288      65536\n     70000          5          1\n'), [
    { containerID: 0, hostID: 524288, size: 65536 },
    { containerID: 70000, hostID: 5, size: 1 },
  ]);
  t.deepEqual(parseIdMap(''), []);
});

test('limits are known by their place', (t) => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max file size             1                    unlimited            bytes     ',
    'Max data size             unlimited            unlimited            bytes     ',
    'Max stack size            8388608              18446744073709551614 bytes     ',
    '',
  ].join('\n');
  t.deepEqual(parseLimits(text).slice(1), [
    { name: 'RLIMIT_FSIZE', soft: '1', hard: 'unlimited' },
    { name: 'RLIMIT_DATA', soft: 'unlimited', hard: 'unlimited' },
    { name: 'RLIMIT_STACK', soft: '8388608', hard: '18446744073709551614' },
  ]);
});

test('mounts: optional fields, escapes, options', (t) => {
  const text = [
    '36 35 98:0 /root /mnt\\0401 rw,noatime master:1 shared:7 - ext3 /dev/ro\\134ot rw,errors=continue',
    '37 36 0:5 / /dev rw - tmpfs tmpfs rw,size=64k',
    'not a line',
    '',
  ].join('\n');
  t.deepEqual(parseMountinfo(text), [
    { point: '/mnt 1', type: 'ext3', source: '/dev/ro\\ot', flags: ['rw', 'noatime'], options: ['rw', 'errors=continue'], propagation: 'master:1 shared:7' },
    { point: '/dev', type: 'tmpfs', source: 'tmpfs', flags: ['rw'], options: ['rw', 'size=64k'], propagation: 'private' },
  ]);
});

test('interfaces', (t) => {
  const head = 'Inter-|   Receive                |  Transmit\n face |bytes    packets errs |bytes\n';
  t.deepEqual(parseInterfaces(`${head}    lo:       0       0    0\n  eth0: 12 1 0\n`), ['lo', 'eth0']);
  t.deepEqual(parseInterfaces(head), []);
});

test('namespace links', (t) => {
  t.is(parseNamespaceLink('mnt:[4026531841]'), 4026531841);
  t.is(parseNamespaceLink('/proc/1'), undefined);
});
