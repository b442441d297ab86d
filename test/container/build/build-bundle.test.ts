import test from 'ava';
import { userToResolve } from '../../../src/container/build/build-process.js';
import type { RunOptions } from '../../../src/container/options/options.js';
import type { Linux, Process, Spec } from '../../../src/spec/types.js';
import { build, buildBundle, bundle, fault, host, rootfs } from './build-support.js';

const process: Process = {
  user: { uid: 5, gid: 6, additionalGids: [7] },
  args: ['server', '--port', '80'],
  cwd: '/srv',
  env: ['PATH=/bin', 'A=1', 'A=2', 'EMPTY', 'HOME=/data'],
  capabilities: { bounding: ['CAP_CHOWN', 'CAP_KILL'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], inheritable: ['CAP_KILL'], ambient: ['CAP_CHOWN'] },
  oomScoreAdj: 7,
  rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }],
};
const linux: Linux = {
  namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'user' }, { type: 'network', path: '/run/netns/a' }],
  uidMappings: [{ containerID: 0, hostID: 5000, size: 10 }],
  gidMappings: [{ containerID: 0, hostID: 6000, size: 10 }],
  resources: { memory: { limit: 2 ** 30, swap: 2 ** 31 }, cpu: { shares: 100 }, pids: { limit: 5 }, devices: [{ allow: false, access: 'rwm' }] },
  seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
  maskedPaths: ['/proc/kcore'],
  readonlyPaths: ['/proc/sys'],
  cgroupsPath: '/a/b',
};
const make = (options: RunOptions = {}, spec: Partial<Spec> = {}) => buildBundle(options, { process, linux, ...spec });

test('what a bundle says stands', (t) => {
  const { spec, extensions } = make();
  t.deepEqual(spec.process, { ...process, env: ['HOME=/data', 'PATH=/bin', 'A=2', 'EMPTY'] });
  t.deepEqual(spec.linux, linux);
  t.deepEqual(spec.root, { path: '/bundles/b/rootfs', readonly: false });
  t.is(spec.hostname, undefined);
  t.deepEqual(extensions, { root: { kind: 'disposable', sizeBytes: 2 ** 26 }, landlockScopes: true, autoRemove: true });
});

test('a read-only root stays one, unless another is asked for', (t) => {
  const root = { path: 'rootfs', readonly: true };
  t.deepEqual(make({}, { root }).extensions.root, { kind: 'read-only' });
  t.true(make({}, { root }).spec.root?.readonly);
  t.false(make({ root: 'disposable' }, { root }).spec.root?.readonly);
  t.is(make({ root: 'writable' }).extensions.root?.kind, 'writable');
});

test('options go over it, one by one', (t) => {
  const { spec } = make({
    command: ['id'], env: { A: '3' }, cwd: '/', umask: 0, memory: '1m', cpus: 1, pids: 9, oomScoreAdj: 0, capAdd: ['SYS_ADMIN'], capDrop: ['CHOWN'],
    noNewPrivileges: true, ulimits: { core: { soft: 0, hard: 0 } }, terminal: true,
  });
  t.deepEqual(spec.process, {
    ...process,
    terminal: true,
    args: ['id'],
    env: ['HOME=/data', 'TERM=xterm', 'PATH=/bin', 'A=3', 'EMPTY'],
    cwd: '/',
    user: { ...process.user, umask: 0 },
    oomScoreAdj: 0,
    noNewPrivileges: true,
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
    capabilities: { bounding: ['CAP_KILL', 'CAP_SYS_ADMIN'], effective: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'], inheritable: ['CAP_KILL'], ambient: [] },
  });
  t.deepEqual(spec.linux?.resources, {
    devices: [{ allow: false, access: 'rwm' }],
    memory: { limit: 2 ** 20, swap: 2 ** 21 },
    cpu: { shares: 100, quota: 100_000, period: 100_000 },
    pids: { limit: 9 },
  });
});

test('an entrypoint takes the whole command', (t) => {
  t.deepEqual(make({ entrypoint: ['sh'] }).spec.process?.args, ['sh']);
  t.like(fault(() => make({ entrypoint: [] })), { field: '/command' });
});

test('users: the bundle\'s own numbers, until another is asked for', (t) => {
  t.is(userToResolve({}, bundle({ process })), '5:6');
  t.is(userToResolve({ user: 'app' }, bundle({ process })), 'app');
  t.is(userToResolve({}, rootfs), '0');
  const user = { uid: 1, gid: 2, additionalGids: [2, 3], home: '/h' };
  t.deepEqual(buildBundle({ user: 'x' }, { process, linux }, { user }).spec.process?.user, { uid: 1, gid: 2, additionalGids: [2, 3] });
  t.deepEqual(buildBundle({ groups: [9] }, { process, linux }, { user: { ...user, uid: 5, gid: 6, additionalGids: [6, 9] } }).spec.process?.user, {
    uid: 5, gid: 6, additionalGids: [7, 6, 9],
  });
});

test('namespaces change where an option says so', (t) => {
  const types = (options: RunOptions) => make(options).spec.linux?.namespaces;
  t.deepEqual(types({ network: 'none' })?.at(-1), { type: 'network' });
  t.false(types({ network: 'host' })?.some(({ type }) => type === 'network'));
  t.deepEqual(types({ namespaces: { ipc: { path: '/x' } } })?.at(-1), { type: 'ipc', path: '/x' });
  const fd = make({ network: { fd: 9 } });
  t.deepEqual(fd.extensions.namespaceFds, { network: 9 });
  t.false(fd.spec.linux?.namespaces?.some(({ type }) => type === 'network'));
});

test('a bundle without a mount namespace has the host\'s root, and is given nothing in it', (t) => {
  for (const namespaces of [[], [{ type: 'pid' as const }], [{ type: 'mount' as const, path: '/proc/1/ns/mnt' }]]) {
    const { spec, extensions } = buildBundle({}, { linux: { namespaces } });
    t.deepEqual(extensions.root, { kind: 'writable' });
    t.deepEqual([extensions.files, spec.linux?.maskedPaths, spec.linux?.devices], [undefined, undefined, undefined]);
    t.throws(() => buildBundle({ mounts: [{ type: 'tmpfs', destination: '/x' }] }, { linux: { namespaces } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /no mount namespace of its own/ });
  }
});

test('user namespaces: dropped with their maps, or made with a range', (t) => {
  const shared = make({ namespaces: { user: 'host' } });
  t.is(shared.spec.linux?.uidMappings, undefined);
  const made = buildBundle({ namespaces: { user: 'new' } });
  t.deepEqual(made.spec.linux?.uidMappings, [{ containerID: 0, hostID: 1_000_000, size: 65_536 }]);
  t.is(buildBundle().spec.linux?.uidMappings, undefined, 'a bundle without one gets none');
});

test('an ordinary user\'s ids are those of its launcher\'s user namespace: root, and as many as are subordinate', (t) => {
  const own = { ...host, uid: 1000, gid: 1001 };
  const root = { containerID: 0, hostID: 0, size: 1 };
  const { linux: alone } = build({}, { host: own, idRange: undefined }).spec;
  t.deepEqual([alone?.uidMappings, alone?.gidMappings], [[root], [root]]);
  t.is(alone?.sysctl?.['net.ipv4.ping_group_range'], '0 0');
  const { linux: many } = build({}, { host: own, idRange: undefined, subordinate: { uids: 65_536, gids: 9 } }).spec;
  t.deepEqual(many?.uidMappings, [root, { containerID: 1, hostID: 1, size: 65_535 }]);
  t.deepEqual(many?.gidMappings, [root, { containerID: 1, hostID: 1, size: 9 }]);
});

test('groups may have another range than users', (t) => {
  const { linux } = build({}, { gidRange: { start: 9, size: 4 } }).spec;
  t.deepEqual(linux?.gidMappings, [{ containerID: 0, hostID: 9, size: 4 }]);
});

test('privileged opens a bundle; a single wall that is asked for stands', (t) => {
  const { spec, extensions } = make({ privileged: true });
  t.is(spec.process?.capabilities?.bounding?.length, 41);
  t.false(spec.process?.noNewPrivileges);
  t.is(spec.linux?.seccomp, undefined);
  t.deepEqual([spec.linux?.maskedPaths, spec.linux?.readonlyPaths], [[], []]);
  t.deepEqual(spec.linux?.resources?.devices, [{ allow: true, access: 'rwm' }]);
  t.is(extensions.landlockScopes, undefined);
  t.deepEqual(spec.linux?.uidMappings, linux.uidMappings, 'still in its user namespace');
  const walls = make({ privileged: true, capDrop: ['SYS_BOOT'], seccomp: 'default', systemPaths: 'masked', noNewPrivileges: true, landlock: true });
  t.false(walls.spec.process?.capabilities?.bounding?.includes('CAP_SYS_BOOT'));
  t.is(walls.spec.linux?.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  t.true(walls.spec.linux?.maskedPaths?.includes('/proc/keys'));
  t.true(walls.spec.process?.noNewPrivileges);
  t.true(walls.extensions.landlockScopes);
});

test('capabilities: what the caller lacks, what other users hold', (t) => {
  const shared = build({ privileged: true, namespaces: { user: 'host' } }).spec.process?.capabilities?.bounding;
  t.is(shared?.length, 40);
  t.false(shared?.includes('CAP_SYS_RESOURCE'));
  const app = build({}, { user: { uid: 1000, gid: 1000, additionalGids: [1000], home: '/' } }).spec.process?.capabilities;
  t.is(app?.bounding?.length, 10);
  t.deepEqual([app?.effective, app?.permitted, app?.ambient], [[], [], []]);
  t.deepEqual(build({ capDrop: ['ALL'], capAdd: ['KILL'] }).spec.process?.capabilities?.bounding, ['CAP_KILL']);
  t.is(build({ capAdd: ['ALL'], capDrop: ['KILL'] }).spec.process?.capabilities?.bounding?.length, 40);
  t.is(build({ capAdd: ['ALL'] }, { host: { ...host, lastCapability: 37 } }).spec.process?.capabilities?.bounding?.length, 38);
});

test('the stop signal is the option, the image\'s, or SIGTERM', (t) => {
  const annotations = { 'org.opencontainers.image.stopSignal': 'SIGINT' };
  t.is(make({}, { annotations }).stopSignal, 2);
  t.is(make({ stopSignal: '9' }, { annotations }).stopSignal, 9);
  t.like(fault(() => make({}, { annotations: { 'org.opencontainers.image.stopSignal': 'SIGNO' } })), { code: 'ERR_TSRUN_INVALID_SPEC' });
  t.deepEqual(make({ labels: { a: 'b' } }, { annotations }).spec.annotations, { ...annotations, 'tsrun.label.a': 'b' });
});

test('names: with the host\'s uts namespace there are none', (t) => {
  const uts = { hostname: 'box', domainname: 'd', linux: { namespaces: [{ type: 'mount' as const }, { type: 'uts' as const }] } };
  t.like(buildBundle({}, uts).spec, { hostname: 'box', domainname: 'd' });
  const shared = buildBundle({ namespaces: { uts: 'host' } }, uts).spec;
  t.deepEqual([shared.hostname, shared.domainname], [undefined, undefined]);
  const rootfsShared = build({ namespaces: { uts: 'host' } });
  t.is(rootfsShared.extensions.files?.['/etc/hostname'], undefined);
  t.false(rootfsShared.spec.process?.env?.some((entry) => entry.startsWith('HOSTNAME=')));
});

test('resolv.conf follows the network', (t) => {
  const file = (options: RunOptions, resolvConf?: string) => build(options, { resolvConf }).extensions.files?.['/etc/resolv.conf'];
  const hosts = 'search example.test\nnameserver 192.0.2.1\noptions ndots:2\n';
  t.is(file({ network: 'host' }, hosts), hosts);
  t.is(file({ network: { path: '/x' } }, hosts), hosts);
  t.is(file({ network: 'host', dns: ['192.0.2.9'] }, hosts), 'nameserver 192.0.2.9\nsearch example.test\noptions ndots:2\n');
  t.is(file({ network: 'host' }), undefined);
  t.is(file({ network: 'host' }, ''), undefined);
  t.is(file({}, hosts), '# no network, so no name server\n');
});

test('memory and swap, as docker counts them', (t) => {
  const memory = (options: RunOptions, changes = {}) => build(options, changes).spec.linux?.resources?.memory;
  const noSwap = { host: { ...host, swapBytes: 0 } };
  t.deepEqual(memory({ memory: '1m' }, noSwap), { limit: 2 ** 20 });
  t.deepEqual(memory({ memory: '1m', memorySwap: 0 }), { limit: 2 ** 20, swap: 2 ** 21 });
  t.deepEqual(memory({ memory: '1m', memorySwap: '1m' }), { limit: 2 ** 20, swap: 2 ** 20 });
  t.deepEqual(memory({ memorySwap: -1 }), { swap: -1 });
  t.is(memory({ memory: 0 }), undefined);
  t.is(make({ memory: 0 }).spec.linux?.resources?.memory?.limit, undefined);
  t.deepEqual(make({ memorySwap: '3g' }).spec.linux?.resources?.memory, { limit: 2 ** 30, swap: 3 * 2 ** 30 });
});
