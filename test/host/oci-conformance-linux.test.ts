// What config-linux.md of the runtime-spec 1.3 says MUST be. Interfaces, memory policy, resctrl, labels: oci-fields.test.ts; seccomp: oci-seccomp.test.ts.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { allNamespaces, baseMounts, mustOf, outputOf, refusalOf, runScript, whileCreated } from '../support/conformance.js';
import { ociLab } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const lab = ociLab();
const must = mustOf('config-linux.md');

const files = { pid: 'pid', network: 'net', mount: 'mnt', ipc: 'ipc', uts: 'uts', user: 'user', cgroup: 'cgroup', time: 'time' } as const;
type Type = keyof typeof files;
const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const maps = { uidMappings: ids, gidMappings: ids };

const others: ChildProcess[] = [];
test.after.always(() => {
  for (const other of others) other.kill('SIGKILL');
});

/** A process in namespaces of its own, by its pid. */
async function otherProcess(...flags: readonly string[]): Promise<string> {
  const child = spawn('unshare', [...flags, '--', 'sleep', '1000'], { stdio: 'ignore' });
  others.push(child);
  const pid = String(child.pid);
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n', 'its namespaces');
  return pid;
}

function namespaceOf(pid: string, type: Type): string {
  return readlinkSync(`/proc/${pid}/ns/${files[type]}`);
}

must('Namespaces', 'one without a path is new, one that is not listed is the runtime\'s', (t) => {
  for (const type of ['pid', 'network', 'ipc', 'uts', 'cgroup', 'time', 'user'] as const) {
    const listed = [...allNamespaces.filter((each) => each.type !== type && each.type !== 'pid'), ...(type === 'pid' ? [] : [{ type: 'pid' }])];
    whileCreated(t, lab, { linux: { namespaces: [...listed, { type }], ...(type === 'user' ? maps : {}) } }, (_id, pid) => { t.not(namespaceOf(pid, type), namespaceOf('self', type), type); });
    whileCreated(t, lab, { linux: { namespaces: listed.filter((each) => each.type !== 'cgroup' || type !== 'cgroup') } }, (_id, pid) => { t.is(namespaceOf(pid, type), namespaceOf('self', type), type); });
  }
});

must('Namespaces', 'one with a path is joined', async (t) => {
  const other = await otherProcess('--net', '--ipc', '--uts', '--cgroup', '--time');
  for (const type of ['network', 'ipc', 'uts', 'cgroup'] as const) {
    const namespaces = [...allNamespaces.filter((each) => each.type !== type), { type, path: `/proc/${other}/ns/${files[type]}` }];
    whileCreated(t, lab, { linux: { namespaces } }, (_id, pid) => { t.is(namespaceOf(pid, type), namespaceOf(other, type), type); });
  }
  const timed = [...allNamespaces, { type: 'time', path: `/proc/${other}/ns/time_for_children` }];
  whileCreated(t, lab, { linux: { namespaces: timed } }, (_id, pid) => { t.is(namespaceOf(pid, 'time'), readlinkSync(`/proc/${other}/ns/time_for_children`)); });
  const id = lab.running();
  const first = String(lab.state(id)['pid']);
  const shared = [...allNamespaces.filter(({ type }) => type !== 'pid'), { type: 'pid', path: `/proc/${first}/ns/pid` }];
  whileCreated(t, lab, { linux: { namespaces: shared } }, (_id, pid) => { t.is(namespaceOf(pid, 'pid'), namespaceOf(first, 'pid')); });
  lab.call('delete', '--force', id);
});

must('Namespaces', 'a user namespace is joined, with the network namespace that is its', (t) => {
  const id = lab.running({ linux: { namespaces: [...allNamespaces, { type: 'user' }], ...maps } });
  const first = String(lab.state(id)['pid']);
  const namespaces = [...allNamespaces.filter(({ type }) => type !== 'network'), { type: 'user', path: `/proc/${first}/ns/user` }, { type: 'network', path: `/proc/${first}/ns/net` }];
  whileCreated(t, lab, { linux: { namespaces } }, (_id, pid) => {
    t.is(namespaceOf(pid, 'user'), namespaceOf(first, 'user'));
    t.is(namespaceOf(pid, 'network'), namespaceOf(first, 'network'));
  });
  lab.call('delete', '--force', id);
});

must('User namespace mappings', 'a new user namespace has some', (t) => {
  const namespaces = [...allNamespaces, { type: 'user' }];
  for (const none of [{}, { uidMappings: [], gidMappings: [] }]) t.regex(refusalOf(t, lab, { linux: { namespaces, ...none } }), /^user namespaces enabled, but no uid mappings found: /);
  t.regex(refusalOf(t, lab, { linux: { namespaces, uidMappings: ids } }), /uidMappings and gidMappings must be given together/);
});

must('Namespaces', 'a path is absolute and of its type, and no type is there twice', (t) => {
  const rest = allNamespaces.filter(({ type }) => type !== 'network');
  t.regex(refusalOf(t, lab, { linux: { namespaces: [...rest, { type: 'network', path: 'proc/self/ns/net' }] } }), /absolute path/);
  t.regex(refusalOf(t, lab, { linux: { namespaces: [...rest, { type: 'network', path: `/proc/${process.pid}/ns/ipc` }] } }), /openNamespace .*invalid argument/);
  t.regex(refusalOf(t, lab, { linux: { namespaces: [...rest, { type: 'network', path: '/etc/passwd' }] } }), /openNamespace .*ENOTTY|invalid/);
  t.regex(refusalOf(t, lab, { linux: { namespaces: [...allNamespaces, { type: 'ipc' }] } }), /duplicate/);
  t.regex(refusalOf(t, lab, { linux: { namespaces: [...allNamespaces, { type: 'moon' }] } }), /namespace type/);
});

must('User namespace mappings', 'ids are mapped as they say', (t) => {
  whileCreated(t, lab, { linux: { namespaces: [...allNamespaces, { type: 'user' }], ...maps } }, (_id, pid) => {
    t.regex(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), /^ +0 +100000 +65536\n$/);
    t.regex(readFileSync(`/proc/${pid}/gid_map`, 'utf8'), /^ +0 +100000 +65536\n$/);
  });
});

must('Offset for Time Namespace', 'clocks are set apart', (t) => {
  const config = { linux: { namespaces: [...allNamespaces, { type: 'time' }], timeOffsets: { monotonic: { secs: 172_800, nanosecs: 5 }, boottime: { secs: 604_800 } } } };
  t.deepEqual(outputOf(t, lab, 'cat /proc/self/timens_offsets', config).trim().split('\n').map((line) => line.split(/\s+/)), [['monotonic', '172800', '5'], ['boottime', '604800', '0']]);
  t.regex(refusalOf(t, lab, { linux: { namespaces: allNamespaces, timeOffsets: { boottime: { secs: 1 } } } }), /time namespace/);
});

must('Devices', 'each is there, below /dev and elsewhere', (t) => {
  const devices = [{ path: '/dev/mine', type: 'c', major: 1, minor: 5, fileMode: 0o644, uid: 3, gid: 4 }, { path: '/elsewhere/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 }, { path: '/fifo', type: 'p' }];
  for (const linux of [{ devices }, { devices, namespaces: [...allNamespaces, { type: 'user' }], ...maps }]) {
    const more = { root: { path: 'namespaces' in linux ? lab.shiftedRoot() : lab.ownRoot() } };
    t.is(outputOf(t, lab, 'stat -c "%n %t %T %a %u %g" /dev/mine /elsewhere/null /fifo; echo gone > /elsewhere/null; head -c2 /dev/mine | wc -c', { linux, more }), '/dev/mine 1 5 644 3 4\n/elsewhere/null 1 3 666 0 0\n/fifo 0 0 666 0 0\n2\n');
  }
});

must('Devices', 'a file at the path that is another is an error', (t) => {
  t.regex(refusalOf(t, lab, { linux: { devices: [{ path: '/bin/busybox', type: 'c', major: 1, minor: 3 }] } }), /attachNodes .*file exists/);
  t.regex(refusalOf(t, lab, { linux: { devices: [{ path: '/dev/x', type: 'c', major: 1 }] } }), /minor/);
});

must('Default Devices', 'all are there', (t) => {
  const expected = ['null 1 3', 'zero 1 5', 'full 1 7', 'random 1 8', 'urandom 1 9', 'tty 5 0'];
  t.is(outputOf(t, lab, 'cd /dev; stat -c "%n %t %T" null zero full random urandom tty; readlink ptmx'), `${expected.join('\n')}\npts/ptmx\n`);
});

must('Cgroups Path', 'the same path is the same place', (t) => {
  const path = `/tsrun-conformance-${process.pid}/one`;
  for (let count = 0; count < 2; count++) whileCreated(t, lab, { linux: { cgroupsPath: path } }, (_id, pid) => { t.true(readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`0::${path}\n`)); });
  execFileSync('sh', ['-c', `rmdir /sys/fs/cgroup/unified/tsrun-conformance-${process.pid} /sys/fs/cgroup/tsrun-conformance-${process.pid} 2>/dev/null || true`]);
  t.regex(refusalOf(t, lab, { linux: { cgroupsPath: '/a/../../b' } }), /cgroupsPath/);
});

must('Cgroup ownership', 'a cgroup that is writable inside is the program\'s user\'s, with the files that the kernel names, and nothing else', (t) => {
  const user = { namespaces: [...allNamespaces, { type: 'user' }], ...maps };
  const script = 'cd /sys/fs/cgroup && stat -c %u . cgroup.procs cgroup.threads cgroup.subtree_control cgroup.events cgroup.freeze | tr "\\n" " "; mkdir -p inner/most 2>/dev/null && echo made';
  // Without a namespace of its own it is the host's root, which has fewer files.
  const [ours, others] = [/^0 0 0 0 65534 65534 made\n$/, /^(65534 ){4,6}$/];
  const rows: readonly (readonly [options: readonly string[], namespaces: readonly object[], out: RegExp])[] = [[['nosuid'], user.namespaces, ours], [['ro'], user.namespaces, others], [['nosuid'], user.namespaces.filter(({ type }) => type !== 'cgroup'), others]];
  for (const [options, namespaces, out] of rows) {
    const mounts = [...baseMounts, { destination: '/sys', type: 'sysfs', source: 'sysfs' }, { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options }];
    const { stdout, stderr } = runScript(lab, script, { linux: { ...user, namespaces }, more: { mounts, root: { path: lab.shiftedRoot() } } });
    t.regex(stdout, out, `${options.join(',')} ${stderr}`);
  }
});

must('Allowed Device list', 'the last entry that speaks of a device holds', (t) => {
  const all = { allow: false, access: 'rwm' };
  const zero = { type: 'c', major: 1, minor: 5 };
  const script = 'head -c1 /dev/zero >/dev/null && echo read; : > /dev/zero && echo written; true';
  const rows: readonly (readonly [rules: readonly Readonly<Record<string, unknown>>[], out: string])[] = [
    [[all], 'read\nwritten\n'],
    [[all, { ...zero, allow: true, access: 'r' }], 'read\n'],
    [[all, { ...zero, allow: false, access: 'rw' }], ''],
    [[{ ...zero, allow: false, access: 'rw' }, { ...zero, allow: true, access: 'r' }], 'read\n'],
  ];
  for (const [devices, out] of rows) t.is(runScript(lab, script, { linux: { resources: { devices } } }).stdout, out, JSON.stringify(devices));
});

must('Unified', 'a file that is not there, or of no controller, is an error', (t) => {
  t.regex(refusalOf(t, lab, { linux: { resources: { unified: { 'nosuch.max': '1' } } } }), /nosuch/);
  t.regex(refusalOf(t, lab, { linux: { resources: { unified: { 'cgroup.no/such': '1' } } } }), /unified/);
});

must('Sysctl', 'each is set in the container', (t) => {
  t.is(outputOf(t, lab, 'cat /proc/sys/net/core/somaxconn', { linux: { sysctl: { 'net.core.somaxconn': '77' } } }), '77\n');
  t.is(outputOf(t, lab, 'cat /proc/sys/user/max_net_namespaces', { linux: { sysctl: { 'user.max_net_namespaces': '3' }, namespaces: [...allNamespaces, { type: 'user' }], ...maps } }), '3\n');
});

must('Rootfs Mount Propagation', 'the root has it', (t) => {
  for (const [rootfsPropagation, shown] of [['shared', / shared:\d+ /], ['slave', / (?:master:\d+ )?- /], ['private', /^(?!.*(?:shared|master|unbindable)).* - /], ['unbindable', / unbindable /]] as const) {
    const line = outputOf(t, lab, 'grep " / / " /proc/self/mountinfo || awk \'$5 == "/"\' /proc/self/mountinfo', { linux: { rootfsPropagation } }).split('\n')[0] ?? '';
    t.regex(line, shown, rootfsPropagation);
  }
});

must('Masked Paths', 'nothing is read of them; they are absolute', (t) => {
  t.is(outputOf(t, lab, 'cat /proc/kcore | wc -c; ls /proc/bus 2>/dev/null | wc -l', { linux: { maskedPaths: ['/proc/kcore', '/proc/bus', '/no/such'] } }), '0\n0\n');
  t.regex(refusalOf(t, lab, { linux: { maskedPaths: ['proc/kcore'] } }), /absolute path/);
});

must('Readonly Paths', 'nothing is written to them; they are absolute', (t) => {
  t.regex(runScript(lab, 'echo 1 > /proc/sys/net/ipv4/ip_forward', { linux: { readonlyPaths: ['/proc/sys', '/no/such'] } }).stderr, /Read-only file system/);
  t.regex(refusalOf(t, lab, { linux: { readonlyPaths: ['proc/sys'] } }), /absolute path/);
});

must('IntelRdt', 'without resctrl an error, and nothing is touched where it is not set', (t) => {
  if (!existsSync('/sys/fs/resctrl/schemata')) t.regex(refusalOf(t, lab, { linux: { intelRdt: {} } }), /no resctrl file system is mounted/);
  t.regex(refusalOf(t, lab, { linux: { intelRdt: { memBwSchema: '0=50' } } }), /memBwSchema/);
  t.regex(refusalOf(t, lab, { linux: { intelRdt: { closID: '../x' } } }), /closID/);
});

const wrongValues: readonly (readonly [section: string, says: string, linux: Readonly<Record<string, unknown>>, refused: RegExp])[] = [
  ['Seccomp', 'an error number with an action that returns none is an error', { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_KILL', errnoRet: 5 }] } }, /errnoRet.*SCMP_ACT_KILL/],
  ['Seccomp', 'a default error number with a default action that returns none is an error', { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 5 } }, /defaultErrnoRet.*SCMP_ACT_ALLOW/],
  ['Seccomp', 'names have an entry', { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [], action: 'SCMP_ACT_KILL' }] } }, /names: expected an array of at least 1/],
  ['Seccomp', 'listenerMetadata needs listenerPath', { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' } }, /listenerMetadata.*listenerPath/],
  ['RDMA', 'an entry limits something', { resources: { rdma: { mlx5_1: {} } } }, /hcaHandles or hcaObjects/],
  ['Block IO', 'an entry for a device has a weight', { resources: { blockIO: { weightDevice: [{ major: 8, minor: 0 }] } } }, /weight or leafWeight/],
  ['CPU', 'the burst is no larger than the quota', { resources: { cpu: { quota: 1000, burst: 2000 } } }, /burst.*quota/],
  ['Memory policy', 'a mode that nobody knows is an error', { memoryPolicy: { mode: 'MPOL_NONE' } }, /memoryPolicy\/mode/],
  ['Network Devices', 'an interface that is not there cannot be moved', { netDevices: { nosuch0: {} } }, /nosuch0 cannot be moved .*ENODEV/],
  ['Network Devices', 'none takes the name of one that is there', { netDevices: { lo: { name: 'lo' } } }, /lo cannot be moved .*EEXIST/],
];
for (const [section, says, linux, refused] of wrongValues) must(section, says, (t) => { t.regex(refusalOf(t, lab, { linux }), refused); });

must('Personality', 'the domain is the program\'s', (t) => {
  const machine = outputOf(t, lab, 'uname -m', { linux: { personality: { domain: 'LINUX32' } } });
  t.not(machine, outputOf(t, lab, 'uname -m'));
});

must('Mounts', 'proc, sysfs, devpts, mqueue, cgroup2 and tmpfs are the container\'s own', (t) => {
  const mounts = [...baseMounts, ...['sysfs:/sys', 'devpts:/dev/pts', 'tmpfs:/dev/shm', 'mqueue:/dev/mqueue', 'cgroup:/sys/fs/cgroup'].map((each) => ({ type: each.split(':')[0], destination: each.split(':')[1], source: 'x' }))];
  const out = outputOf(t, lab, 'ls /sys/class/net; ls /proc | grep -c "^[0-9]"; cat /sys/fs/cgroup/cgroup.procs | head -1; awk \'{ print $3 }\' /proc/mounts | sort -u | tr "\\n" " "', { more: { mounts } });
  const [net, count, first, types] = out.split('\n');
  t.is(net, 'lo');
  t.true(Number(count) <= 4);
  t.is(first, '1');
  for (const type of ['proc', 'sysfs', 'devpts', 'mqueue', 'cgroup2', 'tmpfs']) t.true(types?.includes(type), type);
});
