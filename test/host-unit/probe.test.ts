import test from 'ava';
import { decodeCapabilities } from '../../src/host/decode-capabilities.js';
import { mountedOnV1, ownCgroup } from '../../src/host/probe-cgroup.js';
import { kernelAtLeast, parseCpuList, parseKernel, probeHost } from '../../src/host/probe.js';
import { TsrunError } from '../../src/spec/errors.js';
import { delegatedScope, delegatedUser, fakeReader, hybrid, onlyV1, pureV2, type FakeHost } from './fake-host.js';

const probe = (host: FakeHost, uid = 0, arch = 'x64') =>
  probeHost({ reader: fakeReader(host), uid, gid: uid, release: '6.12.41+deb13-amd64', arch });

const withFiles = (host: FakeHost, files: Record<string, string>): FakeHost => ({ ...host, files: { ...host.files, ...files } });

test('a pure v2 host: root works under the root of the tree', (t) => {
  const { cgroup, capabilities, ...facts } = probe(pureV2);
  t.deepEqual(cgroup, {
    mode: 'v2',
    root: '/sys/fs/cgroup',
    base: '/tsrun',
    controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'],
    v1Controllers: {},
    writable: true,
  });
  t.deepEqual(facts, {
    kernel: { major: 6, minor: 12, release: '6.12.41+deb13-amd64' },
    arch: 'x64',
    uid: 0,
    gid: 0,
    lastCapability: 40,
    landlockAbi: 0,
    cpuCount: 5,
    onlineCpus: '0-3,8',
    memoryBytes: 24_684_080 * 1024,
    swapBytes: 2 ** 30,
    pageBytes: 4096,
    supports: { overlay: true, userNamespaces: true, timeNamespaces: true, seccomp: true, apparmor: false, selinux: false, overlayLayerFds: false, idmappedTmpfs: true, deviceProgram: false },
  });
  t.true(capabilities.includes('CAP_SYS_ADMIN'));
});

test('a hybrid host: the v2 core, and where the other controllers are', (t) => {
  const { cgroup } = probe(hybrid);
  t.is(cgroup.mode, 'hybrid');
  t.is(cgroup.root, '/sys/fs/cgroup/unified');
  t.deepEqual(cgroup.controllers, ['hugetlb']);
  t.deepEqual(cgroup.v1Controllers, { cpu: '/sys/fs/cgroup/cpu', memory: '/sys/fs/cgroup/memory', io: '/sys/fs/cgroup/blkio', net_cls: '' });
  t.is(mountedOnV1(cgroup, 'io'), '/sys/fs/cgroup/blkio');
  t.is(mountedOnV1(cgroup, 'pids'), undefined);
  t.is(mountedOnV1(cgroup, 'constructor'), undefined);
});

test('v1 alone and no tree at all give no base', (t) => {
  t.like(probe(onlyV1).cgroup, { mode: 'v1', root: '', base: '', writable: false });
  t.like(probe({ files: { ...onlyV1.files, '/proc/cgroups': '' } }).cgroup, { mode: 'none', root: '', base: '', writable: false });
});

test('an ordinary user works under its own cgroup when that is delegated', (t) => {
  const facts = probe(delegatedUser, 1000);
  t.like(facts.cgroup, { mode: 'v2', base: `${delegatedScope}/tsrun`, writable: true });
  t.deepEqual(facts.cgroup.controllers, ['memory', 'pids']);
  t.deepEqual(facts.capabilities, []);
});

test('an ordinary user whose cgroup is not delegated whole has no base', (t) => {
  const writable = delegatedUser.writable?.filter((path) => !path.endsWith('subtree_control')) ?? [];
  t.like(probe({ ...delegatedUser, writable }, 1000).cgroup, { mode: 'v2', base: '', writable: false });
});

test('uid 0 that does not own the tree, as in a container, falls back to its own cgroup', (t) => {
  t.is(probe(delegatedUser, 0).cgroup.base, `${delegatedScope}/tsrun`);
});

test('the own cgroup: outside of the namespace or removed is none', (t) => {
  t.is(ownCgroup('1:cpu:/a\n0::/b/c\n'), '/b/c');
  t.is(ownCgroup('0::/..\n'), undefined);
  t.is(ownCgroup('0::/../x\n'), undefined);
  t.is(ownCgroup('0::/..x\n'), '/..x');
  t.is(ownCgroup('0::/gone (deleted)\n'), undefined);
  t.is(ownCgroup('1:cpu:/a\n'), undefined);
});

test('who blocks user namespaces', (t) => {
  const namespaces = (files: Record<string, string>, uid: number) => probe(withFiles(pureV2, files), uid).supports.userNamespaces;
  t.true(namespaces({}, 1000));
  t.false(namespaces({ '/proc/sys/user/max_user_namespaces': '0\n' }, 0));
  t.false(namespaces({ '/proc/sys/kernel/unprivileged_userns_clone': '0\n' }, 1000));
  t.true(namespaces({ '/proc/sys/kernel/unprivileged_userns_clone': '0\n' }, 0));
  t.false(namespaces({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' }, 1000));
  t.true(namespaces({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '0\n' }, 1000));
});

test('overlay counts as there when it is a module that was not loaded yet', (t) => {
  const bare = withFiles(pureV2, { '/proc/filesystems': 'nodev\tsysfs\n' });
  t.false(probe(bare).supports.overlay);
  t.true(probe(withFiles(bare, { '/lib/modules/6.12.41+deb13-amd64/kernel/fs/overlayfs/overlay.ko.xz': '' })).supports.overlay);
});

test('the page size of arm64 comes from the auxiliary vector', (t) => {
  const vector = Buffer.alloc(48);
  vector.writeBigUInt64LE(3n, 0);
  vector.writeBigUInt64LE(6n, 16);
  vector.writeBigUInt64LE(65_536n, 24);
  t.is(probe(withFiles(pureV2, { '/proc/self/auxv': vector.toString('latin1') }), 0, 'arm64').pageBytes, 65_536);
  t.is(probe(pureV2, 0, 'arm64').pageBytes, 4096);
});

test('what only a system call can tell comes from the addon', (t) => {
  const facts = (uid: number, errno: number) => probeHost({ reader: fakeReader(pureV2), uid, native: { landlockAbi: () => 7, deviceProgramProbe: () => errno }, arch: 'arm64' });
  t.is(facts(0, 0).landlockAbi, 7);
  t.is(facts(0, 0).supports.deviceProgram, true);
  t.is(facts(0, 1).supports.deviceProgram, false);
  t.is(facts(1000, 0).supports.deviceProgram, false, 'the launcher of an ordinary user is in a user namespace of its own');
});

test('another processor type is refused', (t) => {
  const error = t.throws(() => probeHost({ reader: fakeReader(pureV2), arch: 'riscv64' }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_HOST');
});

test('kernel releases', (t) => {
  t.like(parseKernel('5.14.0-503.el9.x86_64'), { major: 5, minor: 14 });
  t.like(parseKernel('6.1-rc1'), { major: 6, minor: 1 });
  t.like(parseKernel('strange'), { major: 0, minor: 0 });
  t.true(kernelAtLeast(parseKernel('6.1.0'), 5, 19));
  t.true(kernelAtLeast(parseKernel('5.19.0'), 5, 19));
  t.false(kernelAtLeast(parseKernel('5.18.0'), 5, 19));
  t.false(kernelAtLeast(parseKernel('5.19.0'), 6, 0));
});

test('kernel lists of processors', (t) => {
  t.deepEqual([...parseCpuList('0-2,7\n')], [0, 1, 2, 7]);
  t.deepEqual([...parseCpuList('')], []);
});

test('capability masks, with bits that are newer than the list', (t) => {
  t.deepEqual(decodeCapabilities('0000000000200001'), ['CAP_CHOWN', 'CAP_SYS_ADMIN']);
  t.deepEqual(decodeCapabilities('0000020000000000'), ['CAP_41']);
  t.is(decodeCapabilities('000001ffffffffff').length, 41);
});

test('this very host can be probed', (t) => {
  const facts = probeHost();
  t.true(facts.kernel.major >= 5);
  t.true(facts.memoryBytes > 0);
  t.true(facts.cpuCount >= 1);
  t.true([4096, 16_384, 65_536].includes(facts.pageBytes));
  t.not(facts.cgroup.mode, undefined);
});
