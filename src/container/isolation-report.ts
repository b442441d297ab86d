/** Which walls stand around a live container, as data. */
import type { RootMode } from '../spec/extensions.js';
import type { IdMapping, NamespaceType } from '../spec/types.js';
import type { CapabilitySets, MountReading, ProcessIds, RlimitReading } from './proc-files.js';

export interface IsolationReport {
  readonly id: string;
  /** The process that was looked at: the container's first. */
  readonly pid: number;
  readonly state: 'running' | 'paused';
  readonly namespaces: readonly NamespaceIsolation[];
  readonly users: UserIsolation;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  readonly seccomp: SeccompIsolation;
  /** As it was asked for: the kernel does not tell of a process's Landlock domain. */
  readonly landlock: { readonly scopes: boolean };
  readonly root: RootMode;
  readonly mounts: readonly MountReading[];
  readonly maskedPaths: readonly ProtectedPath[];
  readonly readonlyPaths: readonly ProtectedPath[];
  readonly cgroup: CgroupIsolation;
  readonly rlimits: readonly RlimitReading[];
  readonly network: NetworkIsolation;
  readonly oomScoreAdj: number;
  readonly umask: number;
}

export interface NamespaceIsolation {
  readonly type: NamespaceType;
  readonly inode: number;
  /** With the process that asks, which stands for the host. */
  readonly sharedWithHost: boolean;
  /** Ids of other live containers in it. */
  readonly sharedWith: readonly string[];
}

export interface UserIsolation {
  /** As the host counts. */
  readonly uid: ProcessIds;
  readonly gid: ProcessIds;
  readonly groups: readonly number[];
  /** As the container counts; absent where an id has no name there. */
  readonly innerUid?: number;
  readonly innerGid?: number;
  readonly uidMap: readonly IdMapping[];
  readonly gidMap: readonly IdMapping[];
  /** `deny`: nobody in the user namespace may change groups. */
  readonly setgroups: string;
}

export interface SeccompIsolation {
  readonly mode: 'off' | 'strict' | 'filter';
  readonly filters: number;
  readonly profile: 'default' | 'own' | 'none';
}

export interface ProtectedPath {
  readonly path: string;
  /** False where the path does not exist, or the cover was taken away. */
  readonly stands: boolean;
}

export interface CgroupIsolation {
  /** Empty when there is none. */
  readonly path: string;
  /** Files whose value limits something. */
  readonly limits: Readonly<Record<string, string>>;
  /** What the spec says and this host cannot hold. */
  readonly notHeld: readonly { readonly field: string; readonly reason: string }[];
}

export interface NetworkIsolation {
  /** `host`: what listens on the host can be reached, and the other way round. */
  readonly standing: 'own' | 'host' | 'shared';
  readonly interfaces: readonly string[];
}
