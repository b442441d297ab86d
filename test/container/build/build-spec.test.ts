import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { buildSpec, hostnameFrom, type BuildInput, type BuiltSpec } from '../../../src/container/build/build-spec.js';
import type { RunOptions } from '../../../src/container/options/options.js';
import { validateRunOptions } from '../../../src/container/options/validate-options.js';
import { compilePlan } from '../../../src/plan/index.js';
import type { ResolvedImage } from '../../../src/image/resolved-image.js';
import { capabilityNumber } from '../../../src/spec/capabilities.js';
import { defaultCapabilities } from '../../../src/spec/defaults.js';
import { validateExtensions, validateSpec } from '../../../src/spec/validate.js';
import { build, host, input, rootfs, user } from './build-support.js';

interface Case {
  readonly options: RunOptions;
  /** What other parts make of the option before the spec is built. */
  readonly changes?: Partial<BuildInput>;
  /** Where the result differs, and by what. */
  readonly look: (built: BuiltSpec) => unknown;
  readonly expected: unknown;
}

const on = (options: RunOptions, look: Case['look'], expected: unknown, changes: Partial<BuildInput> = {}): Case => ({ options, look, expected, changes });
const env = (name: string) => ({ spec }: BuiltSpec) => spec.process?.env?.find((entry) => entry.startsWith(`${name}=`));
const mountAt = (destination: string) => ({ spec }: BuiltSpec) => spec.mounts?.find((mount) => mount.destination === destination);
const namespaceTypes = ({ spec }: BuiltSpec) => spec.linux?.namespaces?.map(({ type }) => type);
const fuse = { source: '/dev/fuse', device: { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }, access: 'rw' } as const;

/** It takes effect before or while the container runs, in the runtime, and has no place in a spec. */
type Elsewhere = 'the runtime';

const buildpackImage: ResolvedImage = {
  ...rootfs,
  kind: 'image',
  config: {
    os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] },
    config: { Labels: { 'io.buildpacks.build.metadata': '{"processes":[{"type":"web"},{"type":"worker"}]}' } },
  },
};

/** One for each option: the type makes a new option without a case a compile error, the test below one that is not seen. */
const cases: { readonly [Name in keyof RunOptions]-?: Case | Elsewhere } = {
  id: on({ id: 'web.1' }, ({ spec }) => spec.hostname, 'web-1', { id: 'web.1' }),
  pull: 'the runtime',
  platform: 'the runtime',
  stack: 'the runtime',
  checksum: 'the runtime',
  tlsVerify: 'the runtime',
  authFile: 'the runtime',
  imageLimits: 'the runtime',
  onImageProgress: 'the runtime',
  process: on({ process: 'worker', command: ['--fast'] }, ({ spec }) => spec.process?.args, ['/cnb/process/worker', '--fast'], { image: buildpackImage }),
  command: on({ command: ['ls', '-l'] }, ({ spec }) => spec.process?.args, ['ls', '-l']),
  entrypoint: on({ entrypoint: ['sh', '-c'], command: ['id'] }, ({ spec }) => spec.process?.args, ['sh', '-c', 'id']),
  env: on({ env: { A: '1', PATH: '/x' } }, (built) => [env('A')(built), env('PATH')(built)], ['A=1', 'PATH=/x']),
  cwd: on({ cwd: '/srv' }, ({ spec }) => spec.process?.cwd, '/srv'),
  user: on({ user: 'app' }, ({ spec }) => spec.process?.user, { uid: 7, gid: 8, umask: 0o22, additionalGids: [8, 9] }, {
    user: { uid: 7, gid: 8, additionalGids: [8, 9], home: '/h' },
  }),
  groups: on({ groups: [29] }, ({ spec }) => spec.process?.user.additionalGids, [0, 29], { user: { ...user, additionalGids: [0, 29] } }),
  umask: on({ umask: 0o77 }, ({ spec }) => spec.process?.user.umask, 0o77),
  hostname: on({ hostname: 'box' }, (built) => [built.spec.hostname, env('HOSTNAME')(built), built.extensions.files?.['/etc/hostname']], ['box', 'HOSTNAME=box', 'box\n']),
  domainname: on({ domainname: 'example.test' }, ({ spec, extensions }) => [spec.domainname, extensions.files?.['/etc/hosts']?.includes('run-1234.example.test run-1234')], ['example.test', true]),
  terminal: on({ terminal: { rows: 25, columns: 80 } }, (built) => [built.spec.process?.terminal, built.spec.process?.consoleSize, env('TERM')(built)], [true, { height: 25, width: 80 }, 'TERM=xterm']),
  stdin: 'the runtime',
  stdout: 'the runtime',
  stderr: 'the runtime',
  root: on({ root: 'read-only' }, ({ spec, extensions }) => [spec.root?.readonly, extensions.root], [true, { kind: 'read-only' }]),
  rootStorage: 'the runtime',
  rootBytes: on({ rootBytes: '1g' }, ({ extensions }) => extensions.root, { kind: 'disposable', sizeBytes: 2 ** 30 }),
  mounts: on({ mounts: [{ type: 'bind', source: 'data', destination: '/data/' }] }, mountAt('/data'), {
    destination: '/data', type: 'bind', source: '/work/data', options: ['rbind', 'rprivate', 'rnosuid', 'rnodev', 'rnosymfollow'],
  }),
  imageVolumes: 'the runtime',
  shmBytes: on({ shmBytes: '1m' }, (built) => mountAt('/dev/shm')(built)?.options?.at(-1), 'size=1048576'),
  devices: on({ devices: [{ source: '/dev/fuse' }] }, ({ spec }) => [spec.linux?.devices, spec.linux?.resources?.devices?.at(-1)], [
    [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 }],
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
  ], { devices: [fuse] }),
  dns: on({ dns: ['192.0.2.1', '::1'] }, ({ extensions }) => extensions.files?.['/etc/resolv.conf'], 'nameserver 192.0.2.1\nnameserver ::1\n'),
  addHosts: on({ addHosts: { db: '192.0.2.7' } }, ({ extensions }) => extensions.files?.['/etc/hosts']?.split('\n').at(-2), '192.0.2.7\tdb'),
  memory: on({ memory: '512m' }, ({ spec }) => spec.linux?.resources?.memory, { limit: 2 ** 29, swap: 2 ** 30 }),
  memorySwap: on({ memory: '1g', memorySwap: -1 }, ({ spec }) => spec.linux?.resources?.memory, { limit: 2 ** 30, swap: -1 }),
  memoryReservation: on({ memoryReservation: '1m' }, ({ spec }) => spec.linux?.resources?.memory, { reservation: 2 ** 20 }),
  cpus: on({ cpus: 1.5 }, ({ spec }) => spec.linux?.resources?.cpu, { quota: 150_000, period: 100_000 }),
  cpuShares: on({ cpuShares: 512 }, ({ spec }) => spec.linux?.resources?.cpu, { shares: 512 }),
  cpusetCpus: on({ cpusetCpus: '0-1' }, ({ spec }) => spec.linux?.resources?.cpu, { cpus: '0-1' }),
  pids: on({ pids: -1 }, ({ spec, extensions }) => [spec.linux?.resources?.pids, extensions.defaultedLimits], [{ limit: -1 }, undefined]),
  ulimits: on({ ulimits: { nofile: { soft: 10, hard: -1 }, stack: { soft: -1, hard: -1 } } }, ({ spec }) => spec.process?.rlimits?.slice(1), [
    { type: 'RLIMIT_NOFILE', soft: 10, hard: 1_048_576 },
    { type: 'RLIMIT_STACK', soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n },
  ]),
  unified: on({ unified: { 'memory.high': '1' } }, ({ spec }) => spec.linux?.resources?.unified, { 'memory.high': '1' }),
  capAdd: on({ capAdd: ['net_raw'] }, ({ spec }) => spec.process?.capabilities?.effective?.includes('CAP_NET_RAW'), true),
  capDrop: on({ capDrop: ['ALL'] }, ({ spec }) => spec.process?.capabilities?.bounding, []),
  privileged: on({ privileged: true }, ({ spec }) => [spec.process?.capabilities?.bounding?.length, spec.linux?.seccomp, spec.linux?.maskedPaths], [41, undefined, []]),
  noNewPrivileges: on({ noNewPrivileges: false }, ({ spec }) => spec.process?.noNewPrivileges, false),
  seccomp: on({ seccomp: 'unconfined' }, ({ spec }) => spec.linux?.seccomp, undefined),
  landlock: on({ landlock: false }, ({ extensions }) => extensions.landlockScopes, undefined),
  systemPaths: on({ systemPaths: 'unconfined' }, (built) => [built.spec.linux?.readonlyPaths, mountAt('/sys')(built)?.options?.includes('ro')], [[], false]),
  pressure: on({ pressure: ['memory', 'memory'] }, ({ extensions }) => extensions.pressure, ['memory']),
  shownLimits: on({ shownLimits: { memory: '1m' } }, ({ extensions }) => extensions.kernelFiles?.['/sys/fs/cgroup/memory/memory.limit_in_bytes'], '1048576\n'),
  apparmor: on({ apparmor: 'profile' }, ({ spec }) => spec.process?.apparmorProfile, 'profile'),
  sysctls: on({ sysctls: { 'net.core.somaxconn': '9' } }, ({ spec }) => spec.linux?.sysctl?.['net.core.somaxconn'], '9'),
  network: on({ network: 'host' }, (built) => [namespaceTypes(built)?.includes('network'), built.spec.linux?.sysctl], [false, undefined]),
  egress: on({ network: 'user', egress: [{ cidr: '192.0.2.0/24' }] }, ({ extensions }) => extensions.network, { kind: 'user', egress: [{ cidr: '192.0.2.0/24' }] }),
  bridgeRange: on({ network: 'bridge', bridgeRange: '10.99.0.0/16' }, ({ extensions }) => extensions.network, { kind: 'bridge', range: '10.99.0.0/16' }),
  namespaces: on({ namespaces: { pid: 'host', user: 'host' } }, namespaceTypes, ['mount', 'network', 'ipc', 'uts', 'cgroup']),
  timeOffsets: on({ timeOffsets: { boottime: 5 } }, (built) => [namespaceTypes(built)?.includes('time'), built.spec.linux?.timeOffsets], [true, { boottime: { secs: 5 } }]),
  init: on({ init: true }, ({ extensions }) => extensions.init, true),
  oomScoreAdj: on({ oomScoreAdj: 500 }, ({ spec }) => spec.process?.oomScoreAdj, 500),
  stopSignal: on({ stopSignal: 'INT' }, ({ stopSignal }) => stopSignal, 2),
  stopTimeoutMs: on({ stopTimeoutMs: -1 }, ({ stopTimeoutMs }) => stopTimeoutMs, -1),
  labels: on({ labels: { team: 'web' } }, ({ spec }) => spec.annotations, { 'tsrun.label.team': 'web' }),
  annotations: on({ annotations: { 'a.b': 'c' } }, ({ spec }) => spec.annotations, { 'a.b': 'c' }),
  survive: on({ survive: true }, ({ extensions }) => [extensions.survive, extensions.log], [true, { maxBytes: 1024 * 1024 }]),
  autoRemove: on({ autoRemove: false }, ({ extensions }) => extensions.autoRemove, false),
  log: on({ log: true }, ({ extensions }) => extensions.log, { maxBytes: 1024 * 1024 }),
  timings: 'the runtime',
  strict: on({ strict: true }, ({ extensions }) => extensions.defaultedLimits, undefined),
  timeoutMs: 'the runtime',
  onWarning: 'the runtime',
  signal: 'the runtime',
};

const elsewhere: RunOptions = {
  pull: 'never', platform: 'linux/arm64', stack: './stack', checksum: `sha256:${'0'.repeat(64)}`, tlsVerify: false, authFile: './auth.json', imageLimits: { bytes: 1 }, onImageProgress: () => undefined,
  rootStorage: 'disk', imageVolumes: 'ignore', timeoutMs: 5, timings: true, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', onWarning: () => undefined, signal: AbortSignal.abort(),
};

for (const [name, each] of Object.entries(cases)) {
  if (each === 'the runtime') continue;
  test(`option ${name} changes the result, as it should`, (t) => {
    t.true(name in each.options);
    validateRunOptions(each.options);
    const built = build(each.options, each.changes);
    t.deepEqual(each.look(built), each.expected);
    t.notDeepEqual(each.look(build({ command: ['/bin/true'] })), each.expected, 'the same without the option');
    t.notDeepEqual(built, build());
  });
}

test('every option has a case, and those of the runtime change nothing here', (t) => {
  const all = Object.keys(cases);
  const source = readFileSync('src/container/options/options.ts', 'utf8').split('export interface RunOptions {')[1] ?? '';
  t.deepEqual([...source.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? '').sort(), all.toSorted());
  for (const name of all) t.notThrows(() => validateRunOptions({ [name]: undefined }), name);
  t.deepEqual(Object.keys(elsewhere).sort(), all.filter((name) => Object.entries(cases).some(([key, each]) => key === name && each === 'the runtime')).sort());
  t.true(isDeepStrictEqual(build(elsewhere), build()));
});

test('every result is a valid spec with valid extensions, and compiles', (t) => {
  for (const [name, each] of Object.entries(cases)) {
    if (each === 'the runtime') continue;
    const { spec, extensions } = build(each.options, each.changes);
    t.notThrows(() => validateSpec(spec, extensions), name);
    t.notThrows(() => validateExtensions(extensions), name);
    const streams = { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' } as const;
    t.notThrows(() => compilePlan({ spec, extensions, host, rootPath: '/images/app', cgroupPath: '/sys/fs/cgroup/tsrun/x', ...streams }), name);
  }
});

test('the default profile, wall by wall', (t) => {
  const { spec, extensions, stopSignal, stopTimeoutMs } = build();
  t.deepEqual(spec.root, { path: '/images/app', readonly: false });
  t.is(spec.hostname, 'run-1234');
  const capabilities = defaultCapabilities.toSorted((a, b) => (capabilityNumber(a) ?? 0) - (capabilityNumber(b) ?? 0));
  t.deepEqual(spec.process, {
    user: { uid: 0, gid: 0, umask: 0o22, additionalGids: [0] },
    args: ['/bin/true'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=run-1234', 'HOME=/root'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }, { type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }],
    noNewPrivileges: true,
  });
  t.deepEqual(namespaceTypes({ spec, extensions, stopSignal, stopTimeoutMs }), ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup']);
  const { linux = {} } = spec;
  t.deepEqual(linux.uidMappings, [{ containerID: 0, hostID: 1_000_000, size: 65_536 }]);
  t.deepEqual(linux.gidMappings, linux.uidMappings);
  t.deepEqual(linux.sysctl, { 'net.ipv4.ping_group_range': '0 65535', 'net.ipv4.ip_unprivileged_port_start': '0' });
  t.deepEqual(linux.resources, { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 1024 } });
  t.is(linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  t.true(linux.maskedPaths?.includes('/sys/devices/system/cpu/cpu1/thermal_throttle'));
  t.is(spec.annotations, undefined);
  t.deepEqual(extensions, {
    root: { kind: 'disposable', sizeBytes: 64 * 1024 * 1024 },
    landlockScopes: true,
    autoRemove: true,
    files: {
      '/etc/hostname': 'run-1234\n',
      '/etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n127.0.1.1\trun-1234\n',
      '/etc/resolv.conf': '# no network, so no name server\n',
    },
    defaultedLimits: ['/linux/resources/pids/limit'],
  });
  t.is(stopSignal, 15);
  t.is(stopTimeoutMs, 10_000);
});

test('the same input gives the same result, and is not changed', (t) => {
  const frozen = Object.freeze({ ...input, options: Object.freeze({ ...input.options }), image: Object.freeze({ ...rootfs }) });
  t.deepEqual(buildSpec(frozen), buildSpec(frozen));
});

test('host names are made of ids', (t) => {
  t.is(hostnameFrom('web.1'), 'web-1');
  t.is(hostnameFrom('_+a_b+'), 'a-b');
  t.is(hostnameFrom('_'), 'tsrun');
  t.is(hostnameFrom('a'.repeat(128)).length, 64);
  t.is(hostnameFrom(`${'a'.repeat(63)}.b`), 'a'.repeat(63));
});
