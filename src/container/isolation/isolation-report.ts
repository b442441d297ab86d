/** Which walls stand around a live container, as data. */
import type { RootMode } from '../../spec/extensions.js';
import type { IdMapping, NamespaceType } from '../../spec/types.js';
import type { CapabilitySets, MountReading, ProcessIds, RlimitReading } from '../../host/proc-files.js';

/** Which walls stand around a live container: read from the kernel, not from what was asked for. */
export interface IsolationReport {
  /** The container's name. */
  readonly id: string;
  /** The process that was looked at: the container's first. */
  readonly pid: number;
  /** Whether it is frozen. */
  readonly state: 'created' | 'running' | 'paused';
  /** All that this kernel has, the user namespace first. */
  readonly namespaces: readonly NamespaceIsolation[];
  /** Ids and their maps. */
  readonly users: UserIsolation;
  /** The five sets of capabilities (capabilities(7)), by name. */
  readonly capabilities: CapabilitySets;
  /** The program cannot gain privileges by executing set-user-ID files (prctl(2), PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges: boolean;
  /** Filters on system calls (seccomp(2)). */
  readonly seccomp: SeccompIsolation;
  /** As it was asked for: the kernel does not tell of a process's Landlock domain. */
  readonly landlock: { readonly scopes: boolean };
  /** What becomes of writes to the root file system. */
  readonly root: RootMode;
  /** Every mount that the container sees. */
  readonly mounts: readonly MountReading[];
  /** Paths that should be covered with something empty. */
  readonly maskedPaths: readonly ProtectedPath[];
  /** Paths that should take no write. */
  readonly readonlyPaths: readonly ProtectedPath[];
  /** Rules for devices. */
  readonly devices: DeviceIsolation;
  /** The cgroup, its limits, and what this host does not hold. */
  readonly cgroup: CgroupIsolation;
  /** Resource limits of the first process (getrlimit(2)). */
  readonly rlimits: readonly RlimitReading[];
  /** With whom it shares a network. */
  readonly network: NetworkIsolation;
  /** -1000 (never killed for want of the host's memory) to 1000 (first). */
  readonly oomScoreAdj: number;
  /** Bits that new files lack, as a number: 18 is 0o022. */
  readonly umask: number;
}

/** One namespace of a container. */
export interface NamespaceIsolation {
  /** Which kind, in the runtime-spec's words. */
  readonly type: NamespaceType;
  /** The number that names it on this host (namespaces(7)). */
  readonly inode: number;
  /** With the process that asks, which stands for the host. */
  readonly sharedWithHost: boolean;
  /** Ids of other live containers in it. */
  readonly sharedWith: readonly string[];
}

/** Who the first process is, outside and inside. */
export interface UserIsolation {
  /** As the host counts. */
  readonly uid: ProcessIds;
  /** Group ids, as the host counts. */
  readonly gid: ProcessIds;
  /** Supplementary groups, as the host counts. */
  readonly groups: readonly number[];
  /** As the container counts; absent where an id has no name there. */
  readonly innerUid?: number;
  /** The effective group as the container counts. */
  readonly innerGid?: number;
  /** How user ids inside become those outside (user_namespaces(7)). */
  readonly uidMap: readonly IdMapping[];
  /** The same for groups. */
  readonly gidMap: readonly IdMapping[];
  /** `deny`: nobody in the user namespace may change groups. */
  readonly setgroups: string;
}

/** Filters on system calls. */
export interface SeccompIsolation {
  /** `filter`: every call is looked at. */
  readonly mode: 'off' | 'strict' | 'filter';
  /** How many filters are in force, those that were inherited included; 0 also before Linux 5.9, which does not tell. */
  readonly filters: number;
  /** Whose: tsrun's own, the caller's or the bundle's, or none. */
  readonly profile: 'default' | 'own' | 'none';
}

/** A path of the container that should be protected. */
export interface ProtectedPath {
  /** In the container. */
  readonly path: string;
  /** False where the path does not exist, or the cover was taken away. */
  readonly stands: boolean;
}

/** The cgroup, and what it limits. */
export interface CgroupIsolation {
  /** Empty when there is none. */
  readonly path: string;
  /** Files whose value limits something. */
  readonly limits: Readonly<Record<string, string>>;
  /** What the spec says and this host cannot hold. */
  readonly notHeld: readonly { readonly field: string; readonly reason: string }[];
}

/** Which devices may be used, whatever nodes there are. */
export interface DeviceIsolation {
  /** As `explain` words them: `deny all; allow c 1:3 rw, …`. */
  readonly rules: string;
  /** By a program on the cgroup; else only by which nodes the container has and can make. */
  readonly heldByProgram: boolean;
}

/** With whom the container shares a network, and what it has. */
export interface NetworkIsolation {
  /** `host`: what listens on the host can be reached, and the other way round. */
  readonly standing: 'own' | 'host' | 'shared';
  /** Names of its network interfaces; `lo` alone is no way out. */
  readonly interfaces: readonly string[];
}
