import test from 'ava';
import { parseJson } from '../../src/spec/json.js';
import { validateExtensions, validateResources, validateSpec } from '../../src/spec/validate.js';
import { fullSpec } from './full-spec.js';
import { faultOf, leaves, objects, pointer, replaced } from './mutate.js';

const sample = fullSpec();

test('a spec with every field is valid, and returned as it is', (t) => {
  const same: unknown = validateSpec(sample);
  t.is(same, sample);
  const text = JSON.stringify(sample, (_key, value: unknown) => (typeof value === 'bigint' ? `#${value}#` : value)).replace(/"#(\d+)#"/g, '$1');
  t.notThrows(() => validateSpec(parseJson(text, 'x')));
});

/** `at` = `value` in the full spec; the error has this field and this text. */
const faults: [at: string, value: unknown, message: RegExp, field?: string][] = [
  ['ociVersion', '1.0', /expected a version/],
  ['ociVersion', '2.0.0', /before 2\.0\.0/],
  ['ociVersion', undefined, /found nothing/],
  ['root', undefined, /expected an object, found nothing/],
  ['root.path', '', /not empty/],
  ['process.args', [], /at least 1, found 0/],
  ['process.args', undefined, /found nothing/],
  ['linux.resources.unified', { 'memory.high': undefined }, /expected text, found nothing/, '/linux/resources/unified/memory.high'],
  ['process.cwd', 'tmp', /absolute path.*found "tmp"/],
  ['process.cwd', '', /absolute path/],
  ['process.cwd', `/${'x'.repeat(65536)}`, /at most 4095 bytes/],
  ['process.user.uid', 4294967295, /from 0 to 4294967294, found 4294967295/],
  ['process.user.uid', -1, /found -1/],
  ['process.user.umask', 0o1000, /from 0 to 511/],
  ['process.oomScoreAdj', 1001, /from -1000 to 1000/],
  ['process.oomScoreAdj', -1001, /from -1000 to 1000/],
  ['process.capabilities.bounding.0', 'CAP_CHOWM', /a capability/],
  ['process.capabilities.bounding.0', 'chown', /a capability/],
  ['process.rlimits.0.type', 'RLIMIT_NOFILES', /a resource limit/],
  ['process.rlimits.1.type', 'RLIMIT_NOFILE', /duplicate resource limit "RLIMIT_NOFILE"/],
  ['process.rlimits.1.soft', 1, /at most the hard limit 0, found 1/],
  ['process.rlimits.0.soft', 3, /at least 4, which a start needs, found 3/],
  ['process.scheduler.policy', 'SCHED_FIFO', /1 to 99 for SCHED_FIFO/, '/process/scheduler/priority'],
  ['process.scheduler.policy', 'SCHED_OTHER', /expected 0 for SCHED_OTHER, found 5000/, '/process/scheduler/runtime'],
  ['process.scheduler.nice', 5, /expected 0 for SCHED_DEADLINE/],
  ['process.scheduler.nice', 20, /from -20 to 19/],
  ['process.scheduler.runtime', 100, /at least 1024/],
  ['process.scheduler.runtime', 15000, /at most the deadline 10000/],
  ['process.scheduler.deadline', 30000, /at most the period 20000/],
  ['process.ioPriority.priority', 8, /from 0 to 7/],
  ['process.execCPUAffinity.initial', '3-1', /numbers and ranges/],
  ['process.execCPUAffinity.initial', '1,', /numbers and ranges/],
  ['process.consoleSize.width', 65536, /from 0 to 65535/],
  ['hostname', 'x'.repeat(65), /at most 64 bytes/],
  ['hostname', 'é'.repeat(33), /at most 64 bytes/],
  ['hostname', 'a\n127.0.0.1 b', /without spaces/],
  ['domainname', 'x'.repeat(65), /at most 64 bytes/],
  ['mounts.0.destination', '', /a path of at most 4095 bytes/],
  ['mounts.0.options.0', '', /not empty/],
  ['mounts.0.uidMappings', undefined, /given together/],
  ['mounts.0.gidMappings', undefined, /given together/],
  ['hooks.poststop.0.path', 'hook', /absolute path/],
  ['hooks.poststop.0.timeout', 0, /from 1 to/],
  ['annotations', { '': 'x' }, /key that is not empty/, '/annotations/'],
  ['linux.namespaces.3.type', 'netwrok', /a namespace type/],
  ['linux.namespaces.3.type', 'pid', /duplicate namespace type "pid"/],
  ['linux.namespaces.0.path', 'ns/pid', /absolute path/],
  ['linux.cgroupsPath', '/a/../../b', /without "\.\."/],
  ['linux.cgroupsPath', '..', /without "\.\."/],
  ['linux.cgroupsPath', 'a.slice:..:b', /without "\.\."/],
  ['linux.cgroupsPath', '/a\n/b', /line breaks/],
  ['linux.devices.0.major', undefined, /expected a number, as type is "c"/],
  ['linux.devices.0.minor', undefined, /expected a number, as type is "c"/],
  ['linux.devices.0.major', 4096, /from 0 to 4095/],
  ['linux.devices.0.minor', 1048576, /from 0 to 1048575/],
  ['linux.devices.0.path', 'dev/fuse', /absolute path/],
  ['linux.devices.0.fileMode', 0o60660, /permissions of type "c"/],
  ['linux.netDevices', { 'a/b': {} }, /network interface/, '/linux/netDevices/a~1b'],
  ['linux.netDevices.eth0.name', 'x'.repeat(16), /network interface/],
  ['linux.maskedPaths.0', 'proc/kcore', /absolute path/],
  ['linux.readonlyPaths.0', 'proc/sys', /absolute path/],
  ['linux.rootfsPropagation', 'public', /a propagation/],
  ['linux.personality.flags', ['X'], /at most 0 entries/],
  ['linux.timeOffsets.boottime.nanosecs', 1e9, /from 0 to 999999999/],
  ['linux.timeOffsets.boottime.secs', 9007199254740993n, /found 9007199254740993/],
  ['linux.resources.memory.limit', -2, /from -1 to 9007199254740991/],
  ['linux.resources.memory.limit', 9007199254740993n, /found 9007199254740993/],
  ['linux.resources.memory.swap', 536870911, /at least memory\.limit \(536870912\)/],
  ['linux.resources.memory.swappiness', 101, /from 0 to 100/],
  ['linux.resources.cpu.period', 999, /0 or an integer from 1000 to 1000000/],
  ['linux.resources.cpu.period', 1000001, /0 or an integer from 1000 to 1000000/],
  ['linux.resources.cpu.quota', 999, /from -1 to 0 or an integer from 1000/],
  ['linux.resources.cpu.burst', 1000001, /at most cpu\.quota \(1000000\)/],
  ['linux.resources.cpu.shares', -1, /an integer from 0/],
  ['linux.resources.cpu.shares', 1.5, /an integer from 0/],
  ['linux.resources.cpu.idle', 2, /from 0 to 1/],
  ['linux.resources.cpu.cpus', 'all', /numbers and ranges/],
  ['linux.resources.pids.limit', -2, /from -1/],
  ['linux.resources.blockIO.weight', 9, /0 or an integer from 10 to 1000/],
  ['linux.resources.blockIO.weightDevice.0', { major: 8, minor: 0 }, /needs weight or leafWeight/],
  ['linux.resources.hugepageLimits.0.pageSize', '2M', /a page size/],
  ['linux.resources.hugepageLimits.0.pageSize', '../x', /a page size/],
  ['linux.resources.rdma.mlx5_1', {}, /needs hcaHandles or hcaObjects/],
  ['linux.resources.rdma.mlx5_1', undefined, /needs hcaHandles or hcaObjects/],
  ['linux.resources.unified', { '../memory.max': '1' }, /cgroup v2 file/, '/linux/resources/unified/..~1memory.max'],
  ['linux.resources.unified', { 'memory..max': '1' }, /cgroup v2 file/, '/linux/resources/unified/memory..max'],
  ['linux.resources.devices.0.access', 'rwx', /letters r, w and m/],
  ['linux.resources.devices.0.access', 'rr', /letters r, w and m/],
  ['linux.resources.devices.0.major', -2, /from -1 to 4095/],
  ['linux.seccomp.defaultAction', 'SCMP_ACT_ALOW', /an action/],
  ['linux.seccomp.architectures.0', 'SCMP_ARCH_X64', /an architecture/],
  ['linux.seccomp.syscalls.0.names', [], /at least 1/],
  ['linux.seccomp.syscalls.0.errnoRet', 4094, /from 0 to 4093/],
  ['linux.seccomp.syscalls.0.action', 'SCMP_ACT_ALLOW', /SCMP_ACT_ALLOW does not return one/, '/linux/seccomp/syscalls/0/errnoRet'],
  ['linux.seccomp.syscalls.0.args.0.index', 6, /from 0 to 5/],
  ['linux.seccomp.syscalls.0.args.0.value', 2n ** 64n, /to 18446744073709551615/],
  ['linux.seccomp.syscalls.0.args.0.op', 'SCMP_CMP_EG', /an operator/],
  ['linux.seccomp.flags', ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], /needs a rule with SCMP_ACT_NOTIFY/, '/linux/seccomp/flags/0'],
  ['linux.seccomp.listenerPath', undefined, /needs listenerPath/, '/linux/seccomp/listenerMetadata'],
  ['linux.intelRdt.memBwSchema', 'L3:0', /starts with "MB:"/],
  ['linux.intelRdt.schemata.0', 'a\nb', /one line/],
];

test('each rule has its own fault', (t) => {
  for (const [at, value, message, field = `/${at.replaceAll('.', '/')}`] of faults) {
    const error = faultOf(() => validateSpec(replaced(sample, at.split('.'), value)));
    t.is(error?.field, field, at);
    t.regex(error?.message ?? '', message, at);
  }
});

test('capabilities that cannot be held: what is not permitted is neither effective nor ambient', (t) => {
  for (const name of ['effective', 'ambient'] as const) {
    const process = { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', capabilities: { permitted: ['CAP_CHOWN'], [name]: ['CAP_CHOWN', 'CAP_KILL'] } };
    const fault = faultOf(() => validateSpec({ ...sample, process }));
    t.is(fault?.field, `/process/capabilities/${name}/1`);
    t.regex(fault?.message ?? '', /CAP_KILL is not in the permitted set/);
  }
});

test('suggestions', (t) => {
  const hint = (at: string, value: string) => faultOf(() => validateSpec(replaced(sample, at.split('.'), value)))?.hint;
  t.is(hint('linux.namespaces.3.type', 'netwrok'), 'did you mean "network"?');
  t.is(hint('process.capabilities.ambient.0', 'CAP_SYS_ADMN'), 'did you mean "CAP_SYS_ADMIN"?');
  t.is(hint('process.rlimits.0.type', 'RLIMIT_NOFILES'), 'did you mean "RLIMIT_NOFILE"?');
  t.is(hint('linux.seccomp.defaultAction', 'SCMP_ACT_ALOW'), 'did you mean "SCMP_ACT_ALLOW"?');
});

test('what engines send for "not set" or "all" is accepted', (t) => {
  const accepted: [at: string, value: unknown][] = [
    ['linux.resources.cpu', { shares: 0, quota: 0, period: 0, realtimeRuntime: 0, realtimePeriod: 0, cpus: '', mems: '' }],
    ['linux.resources.memory', { limit: 0, swap: -1, disableOOMKiller: false }],
    ['linux.resources.memory', {}],
    ['linux.resources.pids.limit', 0],
    ['linux.resources.blockIO', { weight: 0 }],
    ['linux.resources.devices', [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', minor: -1 }]],
    ['linux.devices.0', { type: 'p', path: '/dev/fifo', fileMode: 0o10600 }],
    ['linux.devices.0.fileMode', 0o20660],
    ['linux.rootfsPropagation', 'rslave'],
    ['linux.cgroupsPath', 'machine.slice:libpod:abc'],
    ['ociVersion', '1.0.2-dev'],
    ['ociVersion', '1.2.1+dev'],
    ['hostname', ''],
    ['hooks', {}],
    ['windows', { layerFolders: [] }],
    ['process.user.username', 'x'],
    ['linux.resources.oomScoreAdj', 100],
    ['process', undefined],
  ];
  for (const [at, value] of accepted) t.is(faultOf(() => validateSpec(replaced(sample, at.split('.'), value)))?.message, undefined, at);
});

test('resources by themselves refuse what is unknown, however deep, which a whole spec lets pass', (t) => {
  const { resources } = sample.linux;
  const keysAreData = ['/unified', '/rdma'];
  const places = objects(resources).filter((path) => !keysAreData.includes(pointer(path)));
  t.true(places.length > 12);
  for (const place of places) {
    const path = [...place, 'vendorExtra'];
    t.like(faultOf(() => validateResources(replaced(resources, path, 1))), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: pointer(path) }, pointer(path));
    t.notThrows(() => validateSpec(replaced(sample, ['linux', 'resources', ...path], 1)), pointer(path));
  }
});

test('resources by themselves', (t) => {
  t.notThrows(() => validateResources(sample.linux.resources));
  t.like(faultOf(() => validateResources({ memory: { limit: 2, swap: 1 } })), { field: '/memory/swap' });
});

test('extensions', (t) => {
  const full = {
    root: { kind: 'disposable', sizeBytes: 1 },
    init: true,
    landlockScopes: true,
    survive: true,
    autoRemove: true,
    log: { maxBytes: 1 },
    files: { '/etc/hosts': 'x\n' },
    namespaceFds: { network: 3 },
    defaultedLimits: ['/linux/resources/pids/limit'],
  };
  t.notThrows(() => validateExtensions(full));
  t.notThrows(() => validateExtensions({}));
  for (const { path } of leaves(full)) t.is(faultOf(() => validateExtensions(replaced(full, path, [[]])))?.field, pointer(path));
  for (const key of [...Object.keys(full).map((name) => name.toUpperCase()), 'vendor', '__proto__', 'constructor']) {
    const value: unknown = JSON.parse(`{${JSON.stringify(key)}:1}`);
    t.like(faultOf(() => validateExtensions(value)), { code: 'ERR_TSRUN_INVALID_SPEC', field: `/${key}` });
  }
  t.like(faultOf(() => validateExtensions({ surive: true })), { hint: 'did you mean "survive"?' });
  t.is(faultOf(() => validateExtensions({ root: { kind: 'read-onl' } }))?.hint, 'did you mean "read-only"?');
  t.is(faultOf(() => validateExtensions({ root: { kind: 'disposable' } }))?.field, '/root/sizeBytes');
  t.is(faultOf(() => validateExtensions({ root: { kind: 'writable', sizeBytes: 1 } }))?.field, '/root/sizeBytes');
  t.is(faultOf(() => validateExtensions({ files: { 'etc/hosts': '' } }))?.field, '/files/etc~1hosts');
  t.is(faultOf(() => validateExtensions({ namespaceFds: { net: 3 } }))?.field, '/namespaceFds/net');
  t.is(faultOf(() => validateExtensions({ defaultedLimits: ['pids'] }))?.field, '/defaultedLimits/0');
});
