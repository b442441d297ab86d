// Fields of config.json that have a file of tests nowhere else: what the program then is and has.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { needs } from '../support/needs.js';
import { ociLab, ociTest, type Config } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();
const all = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map((type) => ({ type }));

function run(config: Config) {
  return lab.call('run', '--bundle', lab.bundle(config), lab.newId());
}

function refusal(config: Config): string {
  const id = lab.newId();
  const { code, stderr } = lab.call('create', '--bundle', lab.bundle(config), id);
  return code === 0 ? `${lab.call('delete', '--force', id).stderr}it was created` : stderr;
}

const interfaces = ['tsrun-t0', 'tsrun-t1'];
test.after.always(() => {
  for (const name of interfaces) if (existsSync(`/sys/class/net/${name}`)) execFileSync('ip', ['link', 'del', name]);
});

here('interfaces are moved in, with their addresses, and up', (t) => {
  const [name = '', peer = ''] = interfaces;
  const make = () => execFileSync('sh', ['-c', `ip link add ${name} mtu 1400 type veth peer name ${peer} && ip addr add 192.0.2.7/24 dev ${name} && ip -6 addr add 2001:db8::7/64 dev ${name} nodad && ip addr add 192.0.2.8/24 dev ${name} valid_lft 1000 preferred_lft 1000`]);
  const args = ['sh', '-c', 'ip -o addr; ip -o link'];
  for (const [device, shown] of [[{}, name], [{ name: 'eth7' }, 'eth7'], [{ name: 'eth%d' }, 'eth0']] as const) {
    make();
    const { stdout, stderr, code } = run({ args, linux: { netDevices: { [name]: device } } });
    t.is(code, 0, stderr);
    t.regex(stdout, new RegExp(`${shown} +inet 192.0.2.7/24`), stdout);
    t.regex(stdout, new RegExp(`${shown} +inet6 2001:db8::7/64`), stdout);
    // It would have ended on its own.
    t.notRegex(stdout, /192\.0\.2\.8/);
    t.regex(stdout, new RegExp(`${shown}@\\S+ <[^>]*UP[^>]*> mtu 1400`), stdout);
    // A virtual one goes with the namespace.
    while (existsSync(`/sys/class/net/${peer}`)) execFileSync('sleep', ['0.02']);
  }
  make();
  t.regex(refusal({ linux: { netDevices: { [name]: { name: 'lo' } } } }), /the network interface tsrun-t0 cannot be moved into the container as lo: EEXIST/);
  t.regex(refusal({ linux: { netDevices: { nosuch: {} } } }), /nosuch cannot be moved into the container: ENODEV/);
  t.regex(refusal({ linux: { namespaces: all.filter(({ type }) => type !== 'network'), netDevices: { [name]: {} } } }), /needs a network namespace/);
  execFileSync('ip', ['link', 'del', name]);
});

here('kernel parameters in each form of sysctl.d(5), an interface with a dot in its name too', async (t) => {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link add tsr.5 type veth peer name tsr.6; echo made; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => holder.on('exit', done));
  t.teardown(async () => {
    holder.kill('SIGKILL');
    await ended;
  });
  await new Promise((done) => holder.stdout.once('data', done));
  const namespaces = all.map(({ type }) => (type === 'network' ? { type, path: `/proc/${holder.pid ?? 0}/ns/net` } : { type }));
  const file = '/proc/sys/net/ipv4/conf/tsr.5/forwarding';
  let value = '0';
  for (const name of ['net.ipv4.conf.tsr/5.forwarding', 'net/ipv4/conf/tsr.5/forwarding']) {
    value = value === '0' ? '1' : '0';
    const { stdout, stderr } = run({ args: ['cat', file], linux: { namespaces, sysctl: { [name]: value } } });
    t.is(stdout, `${value}\n`, stderr);
  }
  t.is(run({ args: ['cat', '/proc/sys/net/core/somaxconn'], linux: { sysctl: { 'net/core/somaxconn': '77' } } }).stdout, '77\n');
  t.regex(refusal({ linux: { sysctl: { 'kernel/core_pattern': 'x' } } }), /would change the host/);
});

here('a name that is a kernel parameter and a field as well', (t) => {
  const rows = [['kernel.hostname', 'hostname'], ['kernel/hostname', 'hostname'], ['kernel.domainname', 'domainname']] as const;
  for (const [name, field] of rows) t.is(refusal({ linux: { sysctl: { [name]: 'a' } }, more: { [field]: 'b' } }), `sysctl "${name}" is not allowed as it conflicts with the OCI "${field}" field\n`);
  t.is(run({ args: ['cat', '/proc/sys/kernel/hostname'], linux: { sysctl: { 'kernel.hostname': 'a' } } }).stdout, 'a\n');
});

here('a memory policy', (t) => {
  const args = ['sh', '-c', 'grep -h -m1 . /proc/self/numa_maps | cut -d" " -f2'];
  const rows: readonly (readonly [policy: Readonly<Record<string, unknown>>, shown: string])[] = [
    [{ mode: 'MPOL_DEFAULT' }, 'default'],
    [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'interleave=relative:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
  ];
  for (const [memoryPolicy, shown] of rows) {
    const { stdout, stderr } = run({ args, linux: { memoryPolicy } });
    t.true(`${shown}\n`.startsWith(stdout.trim()) && stdout !== '', `${JSON.stringify(memoryPolicy)} ${stdout} ${stderr}`);
  }
  t.regex(refusal({ linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '1000' } } }), /setMemoryPolicy \(\/linux\/memoryPolicy\): set_mempolicy: invalid argument/);
});

here('what this host has not is an error that names the field', (t) => {
  const rows: readonly (readonly [path: string, config: Config, says: RegExp])[] = [
    ['/sys/fs/selinux', { process: { selinuxLabel: 'a:b:c:s0' } }, /SELinux label 'a:b:c:s0' cannot be given/],
    ['/sys/fs/selinux', { linux: { mountLabel: 'a:b:c:s0' } }, /SELinux label 'a:b:c:s0' cannot be given/],
    ['/sys/fs/resctrl/schemata', { linux: { intelRdt: { closID: 'one', memBwSchema: 'MB:0=50' } } }, /intelRdt: no resctrl file system is mounted/],
    ['/sys/kernel/security/apparmor', { process: { apparmorProfile: 'some' } }, /AppArmor profile 'some' cannot be applied/],
  ];
  for (const [path, config, says] of rows) if (!existsSync(path)) t.regex(refusal(config), says);
  t.pass();
});

here('update writes new schemata to the group of resctrl, those that are asked for alone', (t) => {
  const id = lab.newId();
  t.is(lab.call('run', '--detach', '--bundle', lab.bundle(), id).code, 0);
  t.is(lab.call('update', '--mem-bw-schema', 'MB:0=20', id).stderr, 'updating a non-existent Intel RDT configuration is not supported\n');
  // A folder stands for the group: few hosts have resctrl.
  const group = mkdtempSync('/run/tsrun-resctrl-');
  const record = join(lab.root, id, 'state.json');
  writeFileSync(record, readFileSync(record, 'utf8').replace('{', `{"resctrl":{"path":"${group}","made":[]},`));
  writeFileSync(join(group, 'schemata'), 'L3:0=ff\n');
  t.deepEqual(lab.call('update', '--l3-cache-schema', 'L3:0=f', id), { code: 0, signal: null, stdout: '', stderr: '' });
  t.is(readFileSync(join(group, 'schemata'), 'utf8'), 'L3:0=f\n');
  t.is(lab.call('update', '--mem-bw-schema', '0=20', id).stderr, 'invalid value for mem-bw-schema: "0=20"\n');
  writeFileSync(join(group, 'resources'), JSON.stringify({ unified: { 'nosuch.max': '1' } }));
  t.regex(lab.call('update', '--l3-cache-schema', 'L3:0=1', '--resources', join(group, 'resources'), id).stderr, /nosuch/);
  t.is(readFileSync(join(group, 'schemata'), 'utf8'), 'L3:0=f\n');
  t.is(lab.call('delete', '--force', id).code, 0);
  rmSync(group, { recursive: true });
});

here('names, clocks, umask, groups, limits, scheduling, domain', (t) => {
  const script = 'hostname; cat /proc/sys/kernel/domainname; umask; id -G; ulimit -n; cat /proc/self/oom_score_adj; cat /proc/self/personality; uname -m; cut -d. -f1 /proc/uptime';
  const { stdout, stderr } = run({
    args: ['sh', '-c', script],
    process: { user: { uid: 0, gid: 3, umask: 0o027, additionalGids: [7, 11] }, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }], oomScoreAdj: 77 },
    linux: { namespaces: [...all, { type: 'time' }], timeOffsets: { boottime: { secs: 864_000_000 } }, ...(process.arch === 'x64' ? { personality: { domain: 'LINUX32' } } : {}) },
    more: { hostname: 'named', domainname: 'domained' },
  });
  const [host, domain, umask, groups, files, score, , machine, uptime] = stdout.split('\n');
  t.deepEqual([host, domain, umask, groups, files, score], ['named', 'domained', '0027', '3 7 11', '100', '77'], stderr);
  if (process.arch === 'x64') t.is(machine, 'i686');
  t.true(Number(uptime) >= 864_000_000);
});

here('scheduling policies, priorities of input and output', (t) => {
  const policies: readonly (readonly [scheduler: Readonly<Record<string, unknown>>, shown: RegExp])[] = [
    [{ policy: 'SCHED_OTHER', nice: 5 }, /^policy +: +0$/m], [{ policy: 'SCHED_BATCH', nice: 3 }, /^policy +: +3$/m], [{ policy: 'SCHED_IDLE' }, /^policy +: +5$/m],
    [{ policy: 'SCHED_FIFO', priority: 9 }, /^policy +: +1$/m], [{ policy: 'SCHED_RR', priority: 4, flags: ['SCHED_FLAG_RESET_ON_FORK'] }, /^policy +: +2$/m],
  ];
  for (const [scheduler, shown] of policies) {
    const id = lab.newId();
    const created = lab.call('create', '--bundle', lab.bundle({ process: { scheduler, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } } }), id);
    t.is(created.code, 0, created.stderr);
    const pid = String(lab.state(id)['pid']);
    t.regex(readFileSync(`/proc/${pid}/sched`, 'utf8'), shown);
    t.is(execFileSync('ionice', ['-p', pid], { encoding: 'utf8' }), 'best-effort: prio 6\n');
    lab.call('delete', '--force', id);
  }
});

here('devices: type, numbers, mode, owner', (t) => {
  const devices = [{ path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 5, gid: 6 }, { path: '/dev/deep/two', type: 'b', major: 7, minor: 9, fileMode: 0o600 }, { path: '/dev/pipe', type: 'p' }];
  const { stdout, stderr } = run({ args: ['stat', '-c', '%n %F %t %T %a %u %g', '/dev/one', '/dev/deep/two', '/dev/pipe'], linux: { devices } });
  t.is(stdout, '/dev/one character special file 1 3 640 5 6\n/dev/deep/two block special file 7 9 600 0 0\n/dev/pipe fifo 0 0 666 0 0\n', stderr);
});

here('parameters of the kernel are set where a namespace of the container keeps them, and nowhere else', (t) => {
  const { stdout, stderr } = run({ args: ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max'], linux: { sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4096', 'fs.mqueue.msg_max': '20' } } });
  t.is(stdout, '1\n4096\n20\n', stderr);
  t.regex(refusal({ linux: { sysctl: { 'kernel.panic': '1' } } }), /kernel.panic.*per namespace/);
  t.regex(refusal({ linux: { namespaces: all.filter(({ type }) => type !== 'ipc'), sysctl: { 'kernel.msgmax': '1' } } }), /needs an ipc namespace/);
});

needs('root', 'cgroup2', 'capability:CAP_MKNOD')('nodes that a container makes are of use where the device rules allow it, but in a user namespace', (t) => {
  const capabilities = { bounding: ['CAP_MKNOD'], effective: ['CAP_MKNOD'], permitted: ['CAP_MKNOD'] };
  const script = 'cd /tmp; mknod zero c 1 5; head -c1 zero >/dev/null 2>&1 && echo read; (echo x > zero) 2>/dev/null && echo written; mknod other c 1 2 2>/dev/null && echo made; true';
  const [none, every] = [false, true].map((allow) => ({ allow, access: 'rwm' }));
  const rows: readonly (readonly [devices: readonly unknown[], out: string])[] = [
    [[every], 'read\nwritten\nmade\n'],
    [[none, { allow: true, type: 'c', major: 1, minor: 5, access: 'rm' }], 'read\n'],
    [[none, { allow: true, type: 'c', major: 1, minor: 5, access: 'm' }], ''],
  ];
  for (const [devices, out] of rows) {
    const { stdout, stderr } = run({ args: ['sh', '-c', script], process: { capabilities }, linux: { resources: { devices } }, more: { root: { path: lab.ownRoot() } } });
    t.is(stdout, out, `${JSON.stringify(devices)} ${stderr}`);
  }
  const [root, ids] = [lab.shiftedRoot(), [{ containerID: 0, hostID: 100_000, size: 65_536 }]];
  execFileSync('mknod', ['-m', '666', join(root, 'tmp/zero'), 'c', '1', '5']);
  const linux = { namespaces: [...all, { type: 'user' }], uidMappings: ids, gidMappings: ids, resources: { devices: [every] } };
  t.is(run({ args: ['sh', '-c', 'head -c1 /tmp/zero 2>/dev/null || echo none'], linux, more: { root: { path: root } } }).stdout, 'none\n');
});
