/**
 * What a caller may ask for when it runs an image. `build-spec.ts` turns this into a runtime-spec and its extensions;
 * the command line fills in the same record. Names follow docker's flags, with units in the name.
 */
import type { NamespaceType, Spec } from '../spec/types.js';

/** Bytes as a number, or text with a binary unit as docker reads it: `512m`, `1g`, `64KiB`. */
export type Size = number | string;

/** `new`: its own; `host`: shared with the host; `{ path }` or `{ fd }`: joined. */
export type NamespaceChoice = 'new' | 'host' | { readonly path: string } | { readonly fd: number };

/** Where one of the standard streams goes. A number is a descriptor of the calling process. */
export type StdioChoice = 'pipe' | 'inherit' | 'ignore' | number;

export interface MountOption {
  readonly type: 'bind' | 'tmpfs';
  /** On the host; for `bind` only. Absolute, or relative to the caller's working directory. */
  readonly source?: string;
  /** In the container; absolute. */
  readonly destination: string;
  readonly readonly?: boolean;
  /** Further mount options as the runtime-spec spells them: `noexec`, `rshared`, `size=64m` … */
  readonly options?: readonly string[];
}

export interface DeviceOption {
  readonly source: string;
  readonly destination?: string;
  /** Any of `r`, `w`, `m`. Default `rw`. */
  readonly access?: string;
}

export interface RunOptions {
  /** Name of the container, `[A-Za-z0-9][A-Za-z0-9_.-]*`; default `run.NNNN`. */
  readonly id?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `user`, `uid`, `user:group` … ; names come from the image's own passwd and group. */
  readonly user?: string;
  readonly groups?: readonly (string | number)[];
  readonly umask?: number;
  readonly hostname?: string;
  readonly domainname?: string;

  readonly terminal?: boolean | { readonly rows: number; readonly columns: number };
  readonly stdin?: StdioChoice;
  readonly stdout?: StdioChoice;
  readonly stderr?: StdioChoice;

  readonly root?: 'disposable' | 'writable' | 'read-only';
  /** Room for writes to a disposable root. Default 64 MiB. */
  readonly rootBytes?: Size;
  readonly mounts?: readonly MountOption[];
  /** Size of /dev/shm. Default 64 MiB. */
  readonly shmBytes?: Size;
  readonly devices?: readonly DeviceOption[];
  readonly dns?: readonly string[];
  /** `name → address` lines for /etc/hosts. */
  readonly addHosts?: Readonly<Record<string, string>>;

  readonly memory?: Size;
  /** Memory plus swap, as docker counts it; -1 = unlimited swap. */
  readonly memorySwap?: Size;
  readonly memoryReservation?: Size;
  readonly cpus?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  /** -1 = unlimited. Default 1024. */
  readonly pids?: number;
  /** By name without prefix: `{ nofile: { soft: 1024, hard: 4096 } }`; -1 = unlimited. */
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** cgroup v2 files by name, written as they are. */
  readonly unified?: Readonly<Record<string, string>>;

  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly privileged?: boolean;
  readonly noNewPrivileges?: boolean;
  /** `default`, `unconfined`, or a profile in the runtime-spec's form. */
  readonly seccomp?: 'default' | 'unconfined' | NonNullable<NonNullable<Spec['linux']>['seccomp']>;
  readonly landlock?: boolean;
  /** `unconfined` leaves /proc and /sys paths unmasked and writable. */
  readonly systemPaths?: 'masked' | 'unconfined';
  readonly apparmor?: string;
  readonly sysctls?: Readonly<Record<string, string>>;

  /** Default: `none` = a new namespace with only loopback. */
  readonly network?: 'none' | 'host' | { readonly path: string } | { readonly fd: number };
  readonly namespaces?: Readonly<Partial<Record<Exclude<NamespaceType, 'network' | 'mount'>, NamespaceChoice>>>;
  /** Seconds added to the clocks of a new time namespace. */
  readonly timeOffsets?: { readonly monotonic?: number; readonly boottime?: number };

  readonly init?: boolean;
  readonly oomScoreAdj?: number;
  /** Signal that `stop` sends first. Default SIGTERM. */
  readonly stopSignal?: string;
  /** Time between the stop signal and SIGKILL. Default 10,000; -1 = wait for ever. */
  readonly stopTimeoutMs?: number;

  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;

  /** The container lives on when this process ends. */
  readonly survive?: boolean;
  /** Forget the container when it ends. Default true. */
  readonly autoRemove?: boolean;
  /** Keep output for `logs` and `attach`. Default: false, true with `survive`. */
  readonly log?: boolean;
  /** A default that this host cannot hold is an error, not a warning. */
  readonly strict?: boolean;
  /** Ends the container (stop, then kill) when it is aborted. */
  readonly signal?: AbortSignal;
}
