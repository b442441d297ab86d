/**
 * What a caller may ask for when it runs an image. `build-spec.ts` turns this into a runtime-spec and its extensions;
 * the command line fills in the same record. Names follow docker's flags, with units in the name.
 */
import type { DockerSeccomp } from '../../spec/docker-seccomp.js';
import type { FetchLimits, ImageProgress } from '../../image/image-types.js';
import type { PressureResource } from '../../spec/extensions.js';
import type { EgressRule } from '../../spec/networks.js';
import type { NamespaceType, Seccomp } from '../../spec/types.js';

/** Bytes as a number, or text with a binary unit as docker reads it: `512m`, `1g`, `64KiB`. */
export type Size = number | string;

/** `new`: its own; `host`: shared with the host; joined by `{ path }` or `{ fd }`, or that of the live `{ container }` of this name. */
export type NamespaceChoice = 'new' | 'host' | JoinedNamespace;

/** A namespace that is there already. */
export type JoinedNamespace = { readonly path: string } | { readonly fd: number } | { readonly container: string };

/** Where one of the standard streams goes. A number is a descriptor of the calling process. */
export type StdioChoice = 'pipe' | 'inherit' | 'ignore' | number;

/** A mount over the image, as docker's `--mount`. */
export interface MountOption {
  /** `bind`: a file or folder of the host; `tmpfs`: an empty one in memory, 64 MiB unless `options` name a `size`. */
  readonly type: 'bind' | 'tmpfs';
  /** On the host; for `bind` only. Absolute, or relative to the caller's working directory. */
  readonly source?: string;
  /** In the container; absolute. */
  readonly destination: string;
  /** Takes no write, nor does what is mounted below (mount_setattr(2), AT_RECURSIVE). Default false. */
  readonly readonly?: boolean;
  /** Further mount options as the runtime-spec spells them: `noexec`, `rshared`, `size=64m` … */
  readonly options?: readonly string[];
}

/** A device of the host to be had in the container, as docker's `--device`. */
export interface DeviceOption {
  /** On the host, absolute; a folder stands for every device in it. */
  readonly source: string;
  /** In the container, absolute. Default: the same path. */
  readonly destination?: string;
  /**
   * Any of `r` (open to read), `w` (open to write), `m` (make nodes of it). Default `rw`. It holds for the device, under
   * every name that the container has for it; less than `rw` needs root.
   */
  readonly access?: string;
}

/**
 * What `Runtime.run`, `create`, `plan` and `explain` may be asked for. Unknown names are refused: a misspelt limit is no
 * limit. Everything has a default; for a bundle it is what its `config.json` says.
 */
export interface RunOptions {
  /** Name of the container, unique in its state root: 1 to 128 letters, digits, `_`, `+`, `.`, `-`, the first neither `.` nor `-`. Default `run.NNNN`. */
  readonly id?: string;
  /** When a registry is asked for an image: where it is not in the store, each time, or never. Default `missing`. */
  readonly pull?: 'missing' | 'always' | 'never';
  /** `linux/arm64`, `linux/arm64/v8`: which of an image that is for several. Default: this machine's. */
  readonly platform?: string;
  /** What a slug runs on: the reference of an image, or a folder. */
  readonly stack?: string;
  /**
   * Of the file that the image is: `SHA256:` and 64 hexadecimal digits, as Heroku's platform API gives it of a slug. A file with another one
   * is not run: `ERR_TSRUN_IMAGE`. Not for folders and names.
   */
  readonly checksum?: string;
  /** `false`: a registry may speak plain HTTP, or have a certificate that nobody vouches for. Loopback may always speak HTTP. Default true. */
  readonly tlsVerify?: boolean;
  /** An `auth.json` as docker and podman write it. Default: `$REGISTRY_AUTH_FILE`, podman's, then docker's. */
  readonly authFile?: string;
  /** What one layer of an image that is unpacked first may become. Beyond: `ERR_TSRUN_IMAGE`. */
  readonly imageLimits?: FetchLimits;
  /** Told how far an image is that has to be fetched or unpacked first. */
  readonly onImageProgress?: (progress: ImageProgress) => void;

  /**
   * A process type of the image, such as `worker`: of a slug's Procfile, or as a Cloud Native Buildpack's image lists them; `command` are
   * further arguments then.
   */
  readonly process?: string;
  /**
   * Program and arguments. A program without a slash is looked for in PATH. For an image they follow its entrypoint, and an empty list
   * leaves that alone. Default: the image's command, or the bundle's `process.args`; a folder names none.
   */
  readonly command?: readonly string[];
  /** Comes before `command`, and takes the image's entrypoint and command, or the bundle's `process.args`, away, as docker's `--entrypoint` does. */
  readonly entrypoint?: readonly string[];
  /** Environment variables by name. They go over the image's or bundle's, these over tsrun's own: PATH, HOME, HOSTNAME, and TERM with a terminal. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory in the container, absolute; `..` takes the name before it away; made if it is missing. Default: the image's or bundle's, else `/`. */
  readonly cwd?: string;
  /** `user`, `uid`, `user:group` … ; names come from the image's own passwd and group. Default: the image's or bundle's, else root. */
  readonly user?: string;
  /** Further supplementary groups, by number or by a name in the image's own group file. */
  readonly groups?: readonly (string | number)[];
  /** Bits that new files lack, 0 to 0o777 (umask(2)). Default 0o022. */
  readonly umask?: number;
  /** At most 64 bytes (sethostname(2)). Default: the container's name. Refused with the host's uts namespace. */
  readonly hostname?: string;
  /** NIS domain name (setdomainname(2)). Refused with the host's uts namespace. */
  readonly domainname?: string;

  /** Gives the program a terminal of its own, to be had as `Container.terminal`; with a size, or 0 by 0 until `resize`. Default false. */
  readonly terminal?: boolean | { readonly rows: number; readonly columns: number };
  /** Default `ignore`: the program reads the end of the file. Not used with a terminal. */
  readonly stdin?: StdioChoice;
  /** Default `pipe`. With a terminal only `ignore` counts: nobody is given what it prints. */
  readonly stdout?: StdioChoice;
  /** Default `pipe`. Not used with a terminal, which both streams go to. */
  readonly stderr?: StdioChoice;

  /**
   * What becomes of writes to the root: kept in memory until the end (`disposable`, by overlayfs), written to the image,
   * or refused. Default `disposable`; for a bundle with `root.readonly`, `read-only`.
   */
  readonly root?: 'disposable' | 'writable' | 'read-only';
  /**
   * Where a disposable root keeps writes: in memory, or in a folder of the image root (`uppers/`), which goes with the container's
   * record. Default `memory`. `disk` is for root alone.
   */
  readonly rootStorage?: 'memory' | 'disk';
  /**
   * Room for writes to a disposable root, at least one byte. Default 64 MiB in memory; on disk none, and a size needs a file system
   * with project quotas (ext4 mounted with prjquota, xfs with pquota; Linux 5.14), without which it is `ERR_TSRUN_HOST`.
   */
  readonly rootBytes?: Size;
  /** Further mounts. One at the place of a default mount takes its place; those nearer to the root come first. */
  readonly mounts?: readonly MountOption[];
  /**
   * What becomes of the volumes that an image declares: a file system in memory for each that holds no files (`tmpfs`), or nothing, so that they are
   * folders of the root as all others (`ignore`). Default `tmpfs`.
   */
  readonly imageVolumes?: 'tmpfs' | 'ignore';
  /** Size of /dev/shm. Default 64 MiB, and 0 stands for the default. */
  readonly shmBytes?: Size;
  /** Devices of the host beside the usual six. */
  readonly devices?: readonly DeviceOption[];
  /** Addresses of name servers for /etc/resolv.conf. Default: the host's, less those on its loopback for `user` and `bridge`; none with the network `none`. */
  readonly dns?: readonly string[];
  /** `name → address` lines for /etc/hosts. */
  readonly addHosts?: Readonly<Record<string, string>>;

  /**
   * Most memory, page cache included: `memory.max` of cgroup v2. 0 or absent: no limit. Swap may take as much again, as
   * docker has it, unless `memorySwap` says otherwise.
   */
  readonly memory?: Size;
  /** Memory plus swap, as docker counts it; -1 = unlimited swap. */
  readonly memorySwap?: Size;
  /** Memory that is not reclaimed while others have some to give: `memory.low`. At most `memory`. */
  readonly memoryReservation?: Size;
  /** Processor time as a number of processors, 0.01 to 8192: `cpu.max` in periods of 100 ms. */
  readonly cpus?: number;
  /**
   * Weight against other containers when processors are scarce, 2 to 262144, 1024 being normal; written as `cpu.weight`
   * the way runc 1.3.2 converts it.
   */
  readonly cpuShares?: number;
  /** Processors that it may run on, as a list: `0-3,6`. All must be online. */
  readonly cpusetCpus?: string;
  /** -1 = unlimited. Default 1024. */
  readonly pids?: number;
  /** By name without prefix: `{ nofile: { soft: 1024, hard: 4096 } }`; -1 = unlimited. */
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /**
   * cgroup v2 files by name, written as they are after the limits above: `memory.high` to slow down before the limit,
   * `memory.oom.group` for the whole container to die of a kill for want of memory, not one process of it.
   */
  readonly unified?: Readonly<Record<string, string>>;

  /** Resources (`memory`, `cpu`, `io`) to be told of by an event when the container's tasks have waited for them a tenth of two seconds (psi(5)). */
  readonly pressure?: readonly PressureResource[];
  /**
   * What programs that know nothing of cgroup v2 shall find as limits: nothing is held by it. `memory` is the size of the machine in
   * /proc/meminfo, and in /sys/fs/cgroup/memory/memory.limit_in_bytes, as cgroup v1 had it; `cpus` is how many processors of the host's
   * /proc/cpuinfo lists. Default: what the kernel shows.
   */
  readonly shownLimits?: { readonly memory?: Size; readonly cpus?: number };

  /** Capabilities beside the default ten, with or without `CAP_`, or `ALL`. They hold inside the container's user namespace. */
  readonly capAdd?: readonly string[];
  /** Capabilities to leave out, or `ALL`. What is in `capAdd` as well is refused. */
  readonly capDrop?: readonly string[];
  /**
   * All capabilities, no seccomp, no Landlock, nothing masked, new privileges allowed, as docker's `--privileged`; in a
   * user namespace of its own still. A wall that its own option asks for stands. Default false.
   */
  readonly privileged?: boolean;
  /**
   * Set-user-ID files give no privileges (prctl(2), PR_SET_NO_NEW_PRIVS). Default true; false with `privileged`; as it
   * says for a bundle.
   */
  readonly noNewPrivileges?: boolean;
  /**
   * `default`, `unconfined`, or a profile in the runtime-spec's form or in docker's own, whose rules for architectures, kernels
   * and capabilities are resolved for this host and the container's bounding set. Default `default`; as it says for a bundle.
   */
  readonly seccomp?: 'default' | 'unconfined' | Seccomp | DockerSeccomp;
  /**
   * Signals and abstract sockets stay inside (Landlock scopes, Linux 6.12). Default: where the kernel has them; true
   * where it has not is `ERR_TSRUN_HOST`.
   */
  readonly landlock?: boolean;
  /** `unconfined` leaves /proc and /sys paths unmasked and writable. */
  readonly systemPaths?: 'masked' | 'unconfined';
  /** Name of a loaded AppArmor profile. Default: none, so that the program has the launcher's. */
  readonly apparmor?: string;
  /** Kernel parameters of the container's own namespaces, by name: `net.ipv4.ip_forward`. One that would change the host is refused. */
  readonly sysctls?: Readonly<Record<string, string>>;

  /**
   * `none`: a new namespace with only loopback. `user`: connections in the name of the calling user, by pasta or slirp4netns, which
   * ends with the container; the host's loopback is not reached. `bridge`: an address of its own out of `bridgeRange` behind the host's,
   * by ip and nft (iproute2, nftables), as root; containers reach neither each other nor the host. Nothing comes in but by
   * `Container.connect`. What is missing is `ERR_TSRUN_HOST`. Default `none`.
   */
  readonly network?: 'none' | 'host' | 'user' | 'bridge' | JoinedNamespace;
  /**
   * All that may be reached over the network `user` or `bridge`, name servers too. Default: everything. The container cannot change
   * that: what would let it with `user` (NET_ADMIN, NET_RAW) is refused.
   */
  readonly egress?: readonly EgressRule[];
  /** Where the network `bridge` takes addresses from: IPv4, four for each container. Default `10.213.0.0/16`. */
  readonly bridgeRange?: string;
  /**
   * The other namespaces, as docker's `--pid`, `--ipc`, `--uts`, `--userns`, `--cgroupns`. Default: each new, but time,
   * which is the host's unless there are `timeOffsets`.
   *
   * With a `mount` namespace that is there already the container has its root and its mounts, whatever they are: the image
   * is then `/`, and nothing can be mounted, masked or written there beforehand. To share the host's needs root.
   */
  readonly namespaces?: Readonly<Partial<Record<Exclude<NamespaceType, 'network'>, NamespaceChoice>>>;
  /** Seconds added to the clocks of a new time namespace. */
  readonly timeOffsets?: { readonly monotonic?: number; readonly boottime?: number };

  /** Puts a reaper at pid 1 that forwards signals to the program. Default false. */
  readonly init?: boolean;
  /** How soon the kernel kills it when the host's memory ends: -1000 never, 1000 first (proc(5)). Default: the caller's. */
  readonly oomScoreAdj?: number;
  /** Signal that `stop` sends first. Default SIGTERM. */
  readonly stopSignal?: string;
  /** Time between the stop signal and SIGKILL. Default 10,000; -1 = wait for ever. */
  readonly stopTimeoutMs?: number;

  /**
   * How long the program may run, from 1 ms on: then it is stopped as by `stop`, and `exited` says `timeout`. The calling process
   * keeps the time, so not for one that is to outlive it. Default: for ever.
   */
  readonly timeoutMs?: number;

  /** For the caller to find it by; kept in the record, and as annotations `tsrun.label.…`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the runtime-spec. */
  readonly annotations?: Readonly<Record<string, string>>;

  /** The container lives on when this process ends. */
  readonly survive?: boolean;
  /** Forget the container when it ends. Default true. */
  readonly autoRemove?: boolean;
  /** Keep output, the last 1 MiB of it, for `logs` and `attach`; not that of a descriptor that is handed on. Default: false, true with `survive`. */
  readonly log?: boolean;
  /** Measure how long each step of the start takes, for `Container.timings`. Default false, which costs nothing. */
  readonly timings?: boolean;
  /** A default that this host cannot hold is an error, not a warning. */
  readonly strict?: boolean;
  /** Told of each warning before anything is made, so that it can be shown before what the program prints; `Container.warnings` keeps them. */
  readonly onWarning?: (warning: string) => void;
  /**
   * Ends the container (stop signal, grace, SIGKILL) when it is aborted; `exited` then rejects with `ERR_TSRUN_ABORTED`, whose
   * `cause` is the signal's reason. Aborted before the start, nothing is made.
   *
   * @example
   * import { Runtime, TsrunError } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const controller = new AbortController();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'], stopTimeoutMs: 100, signal: controller.signal });
   * controller.abort();
   * await container.exited.catch((error: unknown) => {
   *   console.log(TsrunError.is(error) && error.code); // ERR_TSRUN_ABORTED
   * });
   */
  readonly signal?: AbortSignal;
}

/**
 * The limits that can be changed while a container runs, in the words of `RunOptions`. A `memory` or `memoryReservation` of 0 takes the
 * limit away; what would change nothing (`cpuShares` of 0, an empty `cpusetCpus`, `memorySwap` of 0 without `memory`) is refused.
 */
export type LimitOptions = Pick<RunOptions, 'memory' | 'memorySwap' | 'memoryReservation' | 'cpus' | 'cpuShares' | 'cpusetCpus' | 'pids' | 'unified'>;
