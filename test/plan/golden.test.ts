/**
 * Plans of representative containers, step by step, against what stands in golden/. A change there is a change of what
 * containers get, and is to be read as such. TSRUN_UPDATE_GOLDEN=1 writes the files anew.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { compile, host, planText, readGolden, bundleOf, type Setting } from './support.js';

/** The shape of what `runc spec` writes: shared user namespace, and limits that are the bundle's own. */
const engineConfig = {
  ociVersion: '1.0.2',
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/bin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: {
      bounding: ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      effective: ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      permitted: ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'runc',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'cgroup' }],
    maskedPaths: ['/proc/acpi', '/proc/kcore', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/sys', '/proc/sysrq-trigger'],
  },
};

const fuse = { source: '/dev/fuse', device: { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 }, access: 'rw' } as const;

const layered = {
  kind: 'rootfs', rootPath: '/store/layers/aa/diff', name: 'app', lowerLayers: ['/store/layers/bb/diff', '/srv/stack', '/store/layers/aa/diff', '/store/layers/cc/diff'],
} as const;

const settings: Readonly<Record<string, Setting>> = {
  default: {},
  'shared-users': { options: { namespaces: { user: 'host' } } },
  'read-only': { options: { root: 'read-only' } },
  'read-only-volumes': {
    options: { root: 'read-only' },
    volumes: [
      { destination: '/cache', content: 'empty', mode: 0o700, uid: 0, gid: 0 },
      { destination: '/srv/db', content: 'full', mode: 0o755, uid: 0, gid: 0 },
    ],
  },
  writable: { options: { root: 'writable' } },
  terminal: { options: { terminal: { rows: 24, columns: 80 }, log: true } },
  background: { options: { survive: true, autoRemove: false, stdin: 'pipe', stdout: 'ignore', stderr: 'ignore', init: true } },
  'shared-with-the-host': { options: { network: 'host', namespaces: { pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host', user: 'host' } } },
  'joined-namespaces': {
    options: { network: { path: '/run/netns/blue' }, namespaces: { ipc: { path: '/proc/42/ns/ipc' }, uts: { fd: 7 }, user: 'host', pid: { path: '/proc/42/ns/pid' } } },
  },
  'mounts-of-the-host': { options: { command: ['/bin/app'], namespaces: { mount: 'host' }, sysctls: { 'net.ipv4.ip_forward': '1' } }, image: { kind: 'rootfs', rootPath: '/', name: '/' } },
  'mounts-of-another': { options: { command: ['/bin/app'], namespaces: { mount: { path: '/proc/42/ns/mnt' }, user: 'host', pid: { fd: 7 } }, timeOffsets: { boottime: 60 }, terminal: true }, image: { kind: 'rootfs', rootPath: '/', name: '/' } },
  limits: {
    options: {
      memory: '256m', memorySwap: '512m', memoryReservation: '128m', cpus: 1.5, cpuShares: 512, cpusetCpus: '0-1', pids: 64,
      unified: { 'memory.high': '200000000' }, ulimits: { nofile: { soft: 2048, hard: 4096 }, stack: { soft: -1, hard: -1 } }, oomScoreAdj: 500,
    },
  },
  'time-offsets': { options: { timeOffsets: { monotonic: 3600, boottime: -60 } } },
  devices: { options: { devices: [{ source: '/dev/fuse' }] }, devices: [fuse] },
  'device-to-read': { options: { devices: [{ source: '/dev/fuse', access: 'r' }] }, devices: [{ ...fuse, access: 'r' }] },
  mounts: {
    options: {
      mounts: [
        { type: 'bind', source: '/srv/data', destination: '/data', readonly: true },
        { type: 'bind', source: 'here', destination: '/src', options: ['rslave', 'exec'] },
        { type: 'tmpfs', destination: '/scratch', options: ['size=1m', 'mode=1777'] },
      ],
    },
  },
  privileged: { options: { privileged: true } },
  identity: { options: { user: 'web', groups: ['audio'], umask: 0o27, cwd: '/srv', env: { PORT: '5000' }, capDrop: ['ALL'], capAdd: ['NET_BIND_SERVICE'] } },
  'passed-streams': { options: { stdin: 'inherit', stdout: 5, stderr: 'ignore' } },
  'created-only': { awaitStart: true },
  'kernel-5.14-writable': { options: { root: 'writable', namespaces: { user: 'host' } }, host: { ...host, kernel: { major: 5, minor: 14, release: '5.14.0' }, landlockAbi: 1 } },
  layers: { options: { command: ['/bin/app'] }, image: layered },
  'layers-as-descriptors': { options: { command: ['/bin/app'] }, image: layered, host: { ...host, kernel: { major: 6, minor: 18, release: '6.18.0' }, supports: { ...host.supports, overlayLayerFds: true } } },
  bundle: { image: bundleOf(engineConfig) },
};

const folder = new URL('../../../test/plan/golden/', import.meta.url);
const update = (process.env['TSRUN_UPDATE_GOLDEN'] ?? '') !== '';

for (const [name, setting] of Object.entries(settings)) {
  test(`the plan of ${name} is the golden one`, (t) => {
    const file = new URL(`${name}.json`, folder);
    const text = planText(compile(setting).plan);
    if (update) writeFileSync(file, text);
    t.is(text, readGolden(file) ?? 'there is no golden file: write it with TSRUN_UPDATE_GOLDEN=1');
  });
}

test('no golden file is left over', (t) => {
  t.deepEqual(readdirSync(folder).sort(), Object.keys(settings).map((name) => `${name}.json`).sort());
});

test('the same input gives the same plan', (t) => {
  for (const setting of Object.values(settings)) t.deepEqual(compile(setting).plan, compile(setting).plan);
});
