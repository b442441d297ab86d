/**
 * The default profile as data: the walls that stand around a program when nothing else is asked for. Why each is what it
 * is stands beside it; how each is opened is decided in `container/build/build-spec.ts`.
 */

import type { CapabilityName } from './capabilities.js';
import type { Mount, NamespaceType, Rlimit } from './types.js';

export const ociVersion = '1.3.0';

const mebibyte = 1024 * 1024;

/** Room for writes to a disposable root, for /dev/shm and for each tmpfs that names no size. */
export const defaultMemoryFsBytes = 64 * mebibyte;

/** Processes and threads: far above what a web application has, far below what hurts the host. */
export const defaultPidsLimit = 1024;

/** Output is kept beside the state, which lies in memory. */
export const defaultLogBytes = mebibyte;

export const defaultStopSignal = 'SIGTERM';
export const defaultStopTimeoutMs = 10_000;

export const defaultUmask = 0o022;

/** The time namespace is shared: a new one without offsets changes nothing and costs a clone. */
export const defaultNamespaces: readonly NamespaceType[] = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'];

/**
 * Podman's eleven less SETFCAP, which would let the container write file capabilities for later readers of its files.
 * They hold inside the container's user namespace only.
 */
export const defaultCapabilities: readonly CapabilityName[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/** What docker, podman, runc and systemd-nspawn hide, together, and what else of the host's kernel shows there. */
const maskedEverywhere: readonly string[] = [
  ...['acpi', 'asound', 'bus/pci', 'interrupts', 'kallsyms', 'kcore', 'key-users', 'keys', 'kmsg', 'kpagecgroup'].map(inProc),
  ...['kpagecount', 'kpageflags', 'latency_stats', 'modules', 'sched_debug', 'scsi', 'slabinfo', 'timer_list'].map(inProc),
  ...['timer_stats', 'vmallocinfo'].map(inProc),
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/bpf',
  '/sys/fs/selinux',
  '/sys/kernel/debug',
  '/sys/kernel/security',
  '/sys/kernel/tracing',
];

/** Writing there changes the host: interrupts, PCI devices, parameters of the kernel. */
export const defaultReadonlyPaths: readonly string[] = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map(inProc);

function inProc(name: string): string {
  return `/proc/${name}`;
}

/**
 * @param cpus numbers of the processors: the counters of each one's throttling tell what its neighbours do
 * (GHSA-6fw5-f8r9-fgfm). Only x86 has them.
 */
export function defaultMaskedPaths(cpus: Iterable<number>): string[] {
  return [...maskedEverywhere, ...Array.from(cpus, (cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`)];
}

export interface MountChoices {
  readonly shmBytes: number;
  /** How many ids from 0 on the container's user namespace maps. */
  readonly mappedGids: number;
  readonly sysWritable: boolean;
  readonly cgroupWritable: boolean;
}

/** Gid of the group `tty`: the same in every distribution, and what the C library's grantpt expects. */
const ttyGid = 5;

/** In the order in which they are attached: each after the one that it stands on. */
export function defaultMounts({ shmBytes, mappedGids, sysWritable, cgroupWritable }: MountChoices): Mount[] {
  const kernel = ['nosuid', 'noexec', 'nodev'];
  const readonly = (writable: boolean) => (writable ? [] : ['ro']);
  // devpts refuses a gid that the user namespace does not map (EINVAL).
  const tty = mappedGids > ttyGid ? [`gid=${ttyGid}`] : [];
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...tty];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: [...kernel] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=0755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: pts },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...kernel, 'mode=1777', `size=${shmBytes}`] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: [...kernel] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...kernel, ...readonly(sysWritable)] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...kernel, 'relatime', ...readonly(cgroupWritable)] },
  ];
}

/** @param maxNofile the hard limit that the caller may give: a higher one needs CAP_SYS_RESOURCE (setrlimit(2)) */
export function defaultRlimits(maxNofile: number): Rlimit[] {
  const hard = Math.min(4096, maxNofile);
  return [
    // A core dump would go where the host's core_pattern says, with the container's memory in it.
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    // Programs that use select(2) break above 1024; those that need more may raise it themselves.
    { type: 'RLIMIT_NOFILE', soft: Math.min(1024, hard), hard },
  ];
}

/**
 * Docker's two, so that ping and low ports need no capability. Only for a new network namespace: else they would change
 * another one.
 *
 * @param mappedGids the kernel takes only groups that the writer's user namespace maps (EINVAL)
 */
export function defaultSysctls(mappedGids: number): Record<string, string> {
  // GROUP_MAX of the kernel's ping sockets is 2^31 - 1, not 2^32 - 2.
  const last = Math.min(mappedGids, 2 ** 31) - 1;
  return { 'net.ipv4.ping_group_range': `0 ${last}`, 'net.ipv4.ip_unprivileged_port_start': '0' };
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
export const defaultTerm = 'xterm';

export interface EnvironmentChoices {
  /** Absent where the container shares the host's name. */
  readonly hostname?: string | undefined;
  readonly home: string;
  readonly terminal: boolean;
}

/** What docker gives every program; whoever sets the same name wins. */
export function defaultEnvironment({ hostname, home, terminal }: EnvironmentChoices): Record<string, string> {
  return {
    PATH: defaultPath,
    ...(hostname !== undefined && { HOSTNAME: hostname }),
    ...(terminal && { TERM: defaultTerm }),
    HOME: home,
  };
}
