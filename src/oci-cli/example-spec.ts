/** The config.json that `spec` writes: runc's example, with tsrun's lists of paths that are hidden and read-only. */
import { parseCpuList } from '../host/probe.js';
import { systemReader } from '../host/reader.js';
import { defaultMaskedPaths, defaultReadonlyPaths, ociVersion } from '../spec/defaults.js';
import type { Linux, Mount, NamespaceType, Spec } from '../spec/types.js';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const closed = ['nosuid', 'noexec', 'nodev'];

/** @param user whoever is to run it, for an ordinary user's */
export function exampleSpec(user?: { readonly uid: number; readonly gid: number }): Spec {
  return {
    ociVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    mounts: mountsOf(user !== undefined),
    linux: { ...(user === undefined ? ofRoot() : ofUser(user)), maskedPaths: defaultMaskedPaths(onlineCpus()), readonlyPaths: [...defaultReadonlyPaths] },
  };
}

/** A group that the user namespace does not map cannot own a terminal, and sysfs is of the network namespace's owner, whose the user's is not. */
function mountsOf(forUser: boolean): Mount[] {
  const devpts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(forUser ? [] : ['gid=5'])];
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: devpts },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...closed, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: closed },
    forUser ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...closed, 'ro'] } : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...closed, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...closed, 'relatime', 'ro'] },
  ];
}

function ofRoot(): Linux {
  return { resources: { devices: [{ allow: false, access: 'rwm' }] }, namespaces: namespacesOf('pid', 'network', 'ipc', 'uts', 'mount', 'cgroup') };
}

function ofUser({ uid, gid }: { readonly uid: number; readonly gid: number }): Linux {
  return {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
    namespaces: namespacesOf('pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'),
  };
}

function namespacesOf(...types: readonly NamespaceType[]): NonNullable<Linux['namespaces']> {
  return types.map((type) => ({ type }));
}

function onlineCpus(): Iterable<number> {
  return parseCpuList(systemReader.read('/sys/devices/system/cpu/online')?.trim() ?? '');
}
