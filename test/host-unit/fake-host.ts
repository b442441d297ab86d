/** Invented hosts: a map of files, of file system types and of what may be written. */
import { CGROUP2_MAGIC, TMPFS_MAGIC } from '../../src/host/fs-types.js';
import type { HostReader } from '../../src/host/reader.js';

export interface FakeHost {
  readonly files: Readonly<Record<string, string>>;
  readonly fsTypes?: Readonly<Record<string, number>>;
  readonly writable?: readonly string[];
}

export function fakeReader({ files, fsTypes = {}, writable = [] }: FakeHost): HostReader {
  const paths = [...Object.keys(files), ...Object.keys(fsTypes), ...writable];
  return {
    read: (path) => files[path],
    readBytes: (path) => (path in files ? Buffer.from(files[path] ?? '', 'latin1') : undefined),
    fsType: (path) => fsTypes[path],
    exists: (path) => paths.some((known) => known === path || known.startsWith(`${path}/`)),
    writable: (path) => writable.includes(path),
  };
}

const common = {
  '/proc/self/status': 'Name:\tnode\nCapEff:\t000001fffeffffff\nSeccomp:\t0\nSeccomp_filters:\t0\n',
  '/proc/meminfo': 'MemTotal:       24684080 kB\nMemFree:        100 kB\nSwapTotal:       1048576 kB\n',
  '/proc/sys/kernel/cap_last_cap': '40\n',
  '/proc/filesystems': 'nodev\tsysfs\nnodev\toverlay\n\text4\n',
  '/proc/sys/user/max_user_namespaces': '95833\n',
  '/proc/self/ns/user': '',
  '/proc/self/ns/time': '',
  '/sys/devices/system/cpu/online': '0-3,8\n',
};

const v1Line = (name: string, hierarchy: number) => `${name}\t${hierarchy}\t1\t1\n`;

export const pureV2: FakeHost = {
  files: {
    ...common,
    '/proc/cgroups': `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${v1Line('cpu', 0)}${v1Line('memory', 0)}`,
    '/proc/self/cgroup': '0::/system.slice/agent.service\n',
    '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  },
  fsTypes: { '/sys/fs/cgroup': CGROUP2_MAGIC },
  writable: ['/sys/fs/cgroup', '/sys/fs/cgroup/cgroup.procs'],
};

export const hybrid: FakeHost = {
  files: {
    ...common,
    '/proc/cgroups': `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${v1Line('cpu', 1)}${v1Line('memory', 4)}${v1Line('blkio', 7)}${v1Line('net_cls', 9)}${v1Line('hugetlb', 0)}`,
    '/proc/self/cgroup': '4:memory:/x\n0::/\n',
    '/sys/fs/cgroup/cpu/tasks': '',
    '/sys/fs/cgroup/memory/tasks': '',
    '/sys/fs/cgroup/blkio/tasks': '',
    '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n',
  },
  fsTypes: { '/sys/fs/cgroup': TMPFS_MAGIC, '/sys/fs/cgroup/unified': CGROUP2_MAGIC },
  writable: ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/unified/cgroup.procs'],
};

export const onlyV1: FakeHost = {
  files: { ...hybrid.files, '/proc/self/cgroup': '4:memory:/x\n' },
  fsTypes: { '/sys/fs/cgroup': TMPFS_MAGIC },
};

const scope = '/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope';

/** An ordinary user in a scope that systemd delegated. */
export const delegatedUser: FakeHost = {
  files: {
    ...pureV2.files,
    '/proc/self/status': 'Name:\tnode\nCapEff:\t0000000000000000\nSeccomp_filters:\t0\n',
    '/proc/self/cgroup': `0::${scope}\n`,
    [`/sys/fs/cgroup${scope}/cgroup.controllers`]: 'memory pids\n',
  },
  fsTypes: { '/sys/fs/cgroup': CGROUP2_MAGIC },
  writable: ['', '/cgroup.procs', '/cgroup.subtree_control'].map((file) => `/sys/fs/cgroup${scope}${file}`),
};
export const delegatedScope = scope;
