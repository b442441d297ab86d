/**
 * What this host can do, as data. `probe.ts` reads it once; `compilePlan` is given it, so that it stays pure.
 */

export interface HostFacts {
  /** Version; `release` as `uname -r` has it. */
  readonly kernel: { readonly major: number; readonly minor: number; readonly release: string };
  /** Of the processor, in Node's words. */
  readonly arch: 'x64' | 'arm64';
  /** The cgroup tree. */
  readonly cgroup: CgroupFacts;
  /** The caller's effective uid and gid in its own user namespace. */
  readonly uid: number;
  /** See `uid`. */
  readonly gid: number;
  /** Effective capabilities of the caller, as names (`CAP_SYS_ADMIN`). */
  readonly capabilities: readonly string[];
  /** Highest capability number of this kernel (`/proc/sys/kernel/cap_last_cap`). */
  readonly lastCapability: number;
  /** 0 = none. Scopes need 6. */
  readonly landlockAbi: number;
  /** Processors that are online. */
  readonly cpuCount: number;
  /** The same as a kernel list, `0-3,8`; absent when the kernel does not say. */
  readonly onlineCpus?: string;
  /** All of the host's memory. */
  readonly memoryBytes: number;
  /** Size of a page. */
  readonly pageBytes: number;
  /** All of the host's swap; 0 = none. */
  readonly swapBytes: number;
  /** What the kernel has. */
  readonly supports: KernelSupport;
}

/** The host's cgroup tree, as far as tsrun uses it. There is no driver for v1. */
export interface CgroupFacts {
  /** `v2`: nothing else; `hybrid`: v2 beside v1, which holds some or all controllers; `v1`, `none`: no limit can be held. */
  readonly mode: 'v2' | 'hybrid' | 'v1' | 'none';
  /** Where the v2 tree is mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` on a hybrid host; empty when there is none. */
  readonly root: string;
  /** The cgroup under `root` that tsrun makes its own in, e.g. `/tsrun`. */
  readonly base: string;
  /** Controllers that `base` can hand down. */
  readonly controllers: readonly string[];
  /** Controllers that sit on a v1 hierarchy, by their v2 name, with that mount's path (empty when it is not mounted where it usually is). */
  readonly v1Controllers: Readonly<Record<string, string>>;
  /** May the caller make cgroups under `base`? */
  readonly writable: boolean;
  /**
   * Processes other than the caller live in the cgroup that should hand controllers down to `base`: it cannot
   * (cgroups(7), "no internal processes"), and nobody but they may move them. Absent: none do.
   */
  readonly crowded?: true;
  /** Names of the files that a container's cgroup has; known once `base` is prepared (`cgroup/layout.ts`). */
  readonly files?: readonly string[];
}

/** What this kernel has, probed or by its version. */
export interface KernelSupport {
  /** Overlayfs, for disposable roots. */
  readonly overlay: boolean;
  /** The caller may make user namespaces. */
  readonly userNamespaces: boolean;
  /** Linux 5.6, where it was built in. */
  readonly timeNamespaces: boolean;
  /** Filters can be loaded (CONFIG_SECCOMP_FILTER). */
  readonly seccomp: boolean;
  /** Built in and switched on. */
  readonly apparmor: boolean;
  /** Built in and switched on. */
  readonly selinux: boolean;
  /** Overlay layers given as descriptors (6.15 or so). */
  readonly overlayLayerFds: boolean;
  /** Linux 6.3. */
  readonly idmappedTmpfs: boolean;
  /** The caller may load programs that hold device rules. */
  readonly deviceProgram: boolean;
}
