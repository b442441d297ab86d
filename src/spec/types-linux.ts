/** The part of the runtime-spec that only Linux has (config-linux.md), and what it shares with the rest. */

/** A non-negative integer; `bigint` only where a value may exceed 2^53 (rlimits, seccomp arguments). */
export type Uint64 = number | bigint;

/** A run of ids inside that are ids outside (user_namespaces(7)). */
export interface IdMapping {
  /** The first inside. */
  containerID: number;
  /** The first outside. */
  hostID: number;
  /** How many. */
  size: number;
}

/** Of a user namespace. */
export interface IdMaps {
  /** Of user ids. */
  readonly uidMappings: readonly IdMapping[];
  /** Of group ids. */
  readonly gidMappings: readonly IdMapping[];
}

/** The kinds of namespaces (namespaces(7)). */
export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

/** A namespace to make, or with a path to join. */
export interface Namespace {
  /** Which kind. */
  type: NamespaceType;
  /** Of one that is there, e.g. `/proc/1234/ns/net`. */
  path?: string;
}

/** What only Linux has (config-linux.md). */
export interface Linux {
  /** User ids of a new user namespace. */
  uidMappings?: IdMapping[];
  /** Group ids of a new user namespace. */
  gidMappings?: IdMapping[];
  /** Kernel parameters of the container's namespaces, by name. */
  sysctl?: Record<string, string>;
  /** Limits, for cgroup v2. */
  resources?: Resources;
  /** Not used: tsrun names a container's cgroup itself. */
  cgroupsPath?: string;
  /** Those to make or join; what is not named is shared with the runtime. */
  namespaces?: Namespace[];
  /** Nodes beside the usual six. */
  devices?: Device[];
  /** Network interfaces of the host to move in, by their names there: by tsrun-oci. */
  netDevices?: Record<string, { name?: string }>;
  /** Which system calls the program may make. */
  seccomp?: Seccomp;
  /** Of the root mount: `private`, `slave`, `shared`, `unbindable`, and with an `r` before it for all below (mount_namespaces(7)). */
  rootfsPropagation?: string;
  /** Covered with something empty. */
  maskedPaths?: string[];
  /** Made read-only. */
  readonlyPaths?: string[];
  /** SELinux label of mounts; an error where there is no SELinux. */
  mountLabel?: string;
  /** Cache and bandwidth of memory by resctrl: by tsrun-oci. */
  intelRdt?: IntelRdt;
  /** NUMA policy (set_mempolicy(2)). */
  memoryPolicy?: { mode: string; nodes?: string; flags?: string[] };
  /** Execution domain: `LINUX32` has uname(2) name a 32-bit machine (personality(2)). */
  personality?: { domain: 'LINUX' | 'LINUX32'; flags?: string[] };
  /** Added to the clocks of a new time namespace, Linux 5.6. */
  timeOffsets?: { monotonic?: TimeOffset; boottime?: TimeOffset };
}

/** A group of resctrl (config-linux.md, Intel RDT). */
export interface IntelRdt {
  /** Its name; default: the container's, and `/` is the default group. */
  closID?: string;
  /** Lines of its schemata, after the next two. */
  schemata?: string[];
  /** As `L3:0=f;1=f`. */
  l3CacheSchema?: string;
  /** As `MB:0=50;1=50`. */
  memBwSchema?: string;
  /** A group of its own to monitor. Default false. */
  enableMonitoring?: boolean;
}

/** What is added to a clock. */
export interface TimeOffset {
  /** Seconds; may be negative. */
  secs?: number;
  /** And as many nanoseconds. */
  nanosecs?: number;
}

/** A device node in the container's /dev (config-linux.md, devices). */
export interface Device {
  /** Character, block, unbuffered character, or a named pipe. */
  type: 'c' | 'b' | 'u' | 'p';
  /** In the container, absolute. */
  path: string;
  /** Number of the driver; not for a pipe. */
  major?: number;
  /** Number of the device; not for a pipe. */
  minor?: number;
  /** Permission bits. */
  fileMode?: number;
  /** Owner, as the container counts. Default 0. */
  uid?: number;
  /** Group, as the container counts. Default 0. */
  gid?: number;
}

/** Which devices the cgroup lets be used; the last rule that fits decides. */
export interface DeviceRule {
  /** Whether it allows or denies. */
  allow: boolean;
  /** Character, block, or all. Default all. */
  type?: 'a' | 'c' | 'b';
  /** Absent: every one. */
  major?: number;
  /** Absent: every one. */
  minor?: number;
  /** Any of `r`, `w`, `m` (make the node). */
  access?: string;
}

/** Limits in the runtime-spec's words (config-linux.md, cgroups), held by cgroup v2. What v2 does not have is refused. */
export interface Resources {
  /** Which devices may be used. */
  devices?: DeviceRule[];
  /** Bytes; 0 = not set, -1 = no limit. */
  memory?: {
    /** `memory.max`. */
    limit?: number;
    /** `memory.low`. */
    reservation?: number;
    /** Memory and swap together; `memory.swap.max` is this less `limit`. */
    swap?: number;
    /** Not in cgroup v2: refused unless 0. */
    kernel?: number;
    /** Not in cgroup v2: refused unless 0. */
    kernelTCP?: number;
    /** Not in cgroup v2. */
    swappiness?: number;
    /** Not in cgroup v2: refused unless false. */
    disableOOMKiller?: boolean;
    /** Always so in cgroup v2: refused when false. */
    useHierarchy?: boolean;
    /** An update that is below what is in use is refused. */
    checkBeforeUpdate?: boolean;
  };
  /** Processor time. */
  cpu?: {
    /** 2 to 262144; becomes `cpu.weight`. */
    shares?: number;
    /** Microseconds in each period, -1 = no limit: `cpu.max`. */
    quota?: number;
    /** Microseconds that may be saved up: `cpu.max.burst`, Linux 5.14. */
    burst?: number;
    /** Microseconds, 1000 to 1000000. Default 100000. */
    period?: number;
    /** Not in cgroup v2: refused unless 0. */
    realtimeRuntime?: number;
    /** Not in cgroup v2: refused unless 0. */
    realtimePeriod?: number;
    /** Processors: `cpuset.cpus`. */
    cpus?: string;
    /** Memory nodes: `cpuset.mems`. */
    mems?: string;
    /** 1: runs only when nobody else wants to (`cpu.idle`, Linux 5.15). */
    idle?: number;
  };
  /** Processes and threads; -1 = no limit: `pids.max`. */
  pids?: { limit?: number };
  /** Block devices. */
  blockIO?: BlockIO;
  /** Bytes of huge pages of a size, e.g. `2MB`: `hugetlb.2MB.max`. */
  hugepageLimits?: { pageSize: string; limit: number }[];
  /** Not in cgroup v2: refused unless empty. */
  network?: { classID?: number; priorities?: { name: string; priority: number }[] };
  /** Handles and objects of an RDMA device, by its name: `rdma.max`. */
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>;
  /** cgroup v2 files by name, written as they are. */
  unified?: Record<string, string>;
}

/** A rate for one block device. */
export interface ThrottleDevice {
  /** Number of the driver. */
  major: number;
  /** Number of the device. */
  minor: number;
  /** Bytes or operations a second; 0 takes the limit away. */
  rate: number;
}

/** Limits on block devices (config-linux.md, blockIO), written to the io controller. */
export interface BlockIO {
  /** 10 to 1000; `io.bfq.weight`, or `io.weight` on its own scale. */
  weight?: number;
  /** Not in cgroup v2: refused unless 0. */
  leafWeight?: number;
  /** Weights for single devices. */
  weightDevice?: { major: number; minor: number; weight?: number; leafWeight?: number }[];
  /** Bytes read a second at most: `io.max`, rbps. */
  throttleReadBpsDevice?: ThrottleDevice[];
  /** Bytes written a second at most: `io.max`, wbps. */
  throttleWriteBpsDevice?: ThrottleDevice[];
  /** Reads a second at most: `io.max`, riops. */
  throttleReadIOPSDevice?: ThrottleDevice[];
  /** Writes a second at most: `io.max`, wiops. */
  throttleWriteIOPSDevice?: ThrottleDevice[];
}

/** What becomes of a call (seccomp(2)). */
export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

/** A condition on an argument of a call. */
export interface SeccompArg {
  /** Which argument, 0 to 5. */
  index: number;
  /** What it is compared with; the mask for `SCMP_CMP_MASKED_EQ`. */
  value: Uint64;
  /** What the masked argument is compared with. */
  valueTwo?: Uint64;
  /** How it is compared, as unsigned 64-bit numbers. */
  op: 'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';
}

/** One action for some calls. */
export interface SeccompSyscall {
  /** One that libseccomp does not know is passed over, unless the rule refuses what the default permits. */
  names: string[];
  /** What becomes of them. */
  action: SeccompAction;
  /** With `SCMP_ACT_ERRNO` or `SCMP_ACT_TRACE`. Default EPERM. */
  errnoRet?: number;
  /** All must hold. Several on one argument mean any of them (runc issue 2735), and are refused where the rule permits. */
  args?: SeccompArg[];
}

/** Which system calls the program may make (config-linux.md, seccomp; seccomp(2)). */
export interface Seccomp {
  /** For calls that no rule names. */
  defaultAction: SeccompAction;
  /** With `SCMP_ACT_ERRNO`. Default EPERM. */
  defaultErrnoRet?: number;
  /** Beside the native one: `SCMP_ARCH_X86` … */
  architectures?: string[];
  /** `SECCOMP_FILTER_FLAG_LOG`, `…_SPEC_ALLOW` … */
  flags?: string[];
  /** Not done yet. */
  listenerPath?: string;
  /** For the listener. */
  listenerMetadata?: string;
  /** Rules. */
  syscalls?: SeccompSyscall[];
}
