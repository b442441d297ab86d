/** Everything that a plan is compiled from. All of it is data that was read before; compiling asks nobody. */
import type { HostFacts } from '../host/facts.js';
import type { Extensions } from '../spec/extensions.js';
import type { HookState } from '../spec/hooks.js';
import type { Device, IdMaps, Spec } from '../spec/types.js';

/** `passed`: a descriptor of the caller; `pipe`: made by the launcher, its other end comes back; `ignore`: /dev/null. */
export type StreamPlan = 'passed' | 'pipe' | 'ignore';

export interface ProgramPlan {
  /** Folders of the host that it gets to read, as descriptors from 5 on. */
  readonly layers: readonly string[];
  /** A live container of the same launcher, whose upper layer in memory it gets to read, before them. */
  readonly upperOf?: string | undefined;
  /** The upper layer on disk that a container has left, to be laid over its root's layers again instead of a new one. */
  readonly upper?: string | undefined;
}

/** Of containers that are done to the letter of the runtime-spec, for engines: what their client has for them. */
export interface OciRuntimeInput {
  /** What hooks are told. */
  readonly hookState: HookState;
  /** Which streams of the hooks that the container's first process runs are descriptors of the caller's; the others are the process's own. */
  readonly hookOutputs?: { readonly stdout: boolean; readonly stderr: boolean };
}

export interface PlanInput {
  readonly spec: Spec;
  readonly extensions: Extensions;
  readonly host: HostFacts;
  /** Absolute path of the root file system on the host. */
  readonly rootPath: string;
  /** Its files are owned by host ids of the container's, as engines prepare them: not id-mapped into a user namespace. */
  readonly rootOwned?: boolean;
  /** Where the record goes, and what stands in it; none for a plan that leaves no trace. */
  readonly state?: { readonly directory: string; readonly temporary: string; readonly record: string };
  /** Absolute path of the cgroup that is made; none where the host has no cgroup v2 to write to. */
  readonly cgroupPath?: string;
  /** Somebody else has made it (systemd) and removes it again. */
  readonly cgroupIsThere?: boolean;
  readonly stdin: StreamPlan;
  readonly stdout: StreamPlan;
  readonly stderr: StreamPlan;
  /** The compiled seccomp filter of `spec.linux.seccomp`. */
  readonly filter?: { readonly bytes: Uint8Array; readonly flags: number };
  /** The maps of a user namespace that is joined; those of a new one are in the spec. */
  readonly joinedIdMaps?: IdMaps;
  /** For an ordinary user: the host's own nodes at the paths of `linux.devices`, by `normalPath`. */
  readonly hostNodes?: ReadonlyMap<string, Device>;
  /** Note when each step was done, in memory of the caller's. */
  readonly timings?: boolean;
  /** A program of tsrun's own, which comes along as a descriptor: there is nothing in the root but the files that it works on, not even a /dev. */
  readonly program?: ProgramPlan;
  /** Stop before the program is executed, until `start`. */
  readonly awaitStart?: boolean;
  /** The process goes on without its launcher: nothing kills it when that ends. */
  readonly outlivesLauncher?: boolean;
  /** FIFOs of the host: after `start`, wait for a byte in the first before the program is executed, and tell in the second what then fails. */
  readonly startFifos?: { readonly start: string; readonly report: string };
  /** The container is one of tsrun-oci. Absent: it is the library's, and what only that command's client does for it is refused. */
  readonly ociRuntime?: OciRuntimeInput;
  /** Where links lead that are sources of binds, by their paths; those of binds with `copy-symlink`. */
  readonly sourceLinks?: ReadonlyMap<string, string>;
  /** The caller hands seccomp listeners on to `listenerPath`. Default false: a spec with one is refused. */
  readonly hasListener?: boolean;
  /** How many of the caller's descriptors the program inherits, from 3 on. Default 0. */
  readonly inheritedCount?: number;
  /** No session keyring of its own: the program has the caller's. */
  readonly keepsKeyring?: boolean;
  /** The program has the caller's supplementary groups, and none of the spec's. */
  readonly keepsGroups?: boolean;
  /** Where the environment has no HOME, or an empty one, it is what the container's own passwd(5) says of the user once all is mounted. */
  readonly findsHome?: boolean;
}
