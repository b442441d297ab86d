/**
 * What the runtime-spec cannot say, in one record beside it. There is no third place for configuration.
 * Unknown keys are refused (`validate.ts`).
 */

import type { AttachedNetwork } from './networks.js';
import type { NamespaceType } from './types.js';

/** What a container is, as far as the runtime-spec has no words for it. */
export interface Extensions {
  /** What becomes of writes to the root file system. `disposable` needs overlayfs. */
  readonly root?: RootMode;
  /** Absolute folders of the host below `root.path`, which is the topmost layer; topmost first. They never change, so not with a `writable` root. */
  readonly lowerLayers?: readonly string[];
  /** Absolute inner paths that can be written to in a `read-only` root, as in a disposable one; deeper ones first. One that leads nowhere, or into a mount, is passed over. */
  readonly writablePaths?: readonly string[];
  /** A reaper as pid 1 that forwards signals to the program (`--init`). */
  readonly init?: boolean;
  /** Landlock scopes (ABI 6, Linux 6.12): signals and abstract sockets may not leave the container. */
  readonly landlockScopes?: boolean;
  /** The container lives on when the process that started it ends. */
  readonly survive?: boolean;
  /** Remove the record of the container when it ends; otherwise `ps -a` shows it until `rm`. */
  readonly autoRemove?: boolean;
  /** Keep what the container prints, for `logs` and `attach`. */
  readonly log?: LogOptions;
  /** Files that the container gets instead of the image's own, by absolute inner path (`/etc/hosts` …). */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Files over those that the kernel shows, by absolute inner path: some of /proc, and `/sys/fs/cgroup/CONTROLLER/FILE` of cgroup v1, whose
   * folder is a cgroup below the container's with a tmpfs over it. The latter only where the container has a cgroup namespace of its own.
   */
  readonly kernelFiles?: Readonly<Record<string, string>>;
  /** Resources whose pressure is told of by events. */
  readonly pressure?: readonly PressureResource[];
  /** Namespaces given as descriptors of the calling process instead of by path. */
  readonly namespaceFds?: Readonly<Partial<Record<NamespaceType, number>>>;
  /** A network beyond loopback, which the client attaches while the first process waits for it. */
  readonly network?: AttachedNetwork;
  /** JSON pointers of the spec's limits that nobody asked for: a host that cannot hold one of them warns instead of failing. */
  readonly defaultedLimits?: readonly string[];
}

/** What tasks can wait for (psi(5)). */
export type PressureResource = 'cpu' | 'io' | 'memory';

/** What becomes of writes to the root file system; `sizeBytes` is the room for them, in memory or on `disk`, where 0 is no limit. */
export type RootMode =
  | { readonly kind: 'disposable'; readonly sizeBytes: number; readonly disk?: DiskUpper }
  | { readonly kind: 'writable' }
  | { readonly kind: 'read-only' };

/** A folder of a container's own that its writes go to. */
export interface DiskUpper {
  /** Absolute, on the host; made for the start, and removed with the record. */
  readonly folder: string;
  /** Number of the project whose quota holds it to its size. */
  readonly project: number;
}

/** How much of the output is kept. */
export interface LogOptions {
  /** Bytes kept at most; the oldest go first. */
  readonly maxBytes: number;
}
