/**
 * The OCI runtime-spec 1.3 as far as a Linux runtime reads it, with the spec's own names. Only types: what the values
 * may be is checked in `validate.ts`, what they default to in `defaults.ts`.
 */
import type { SchedulerFlag, SchedulerPolicy } from './scheduler.js';
import type { IdMapping, Linux, Uint64 } from './types-linux.js';

export type * from './types-linux.js';

/** A container as `config.json` describes it (config.md). */
export interface Spec {
  /** Of the runtime-spec that it follows, 1.x. */
  ociVersion: string;
  /** The root file system; needed on Linux. */
  root?: Root;
  /** The program; needed to start it. */
  process?: Process;
  /** Of a new uts namespace. */
  hostname?: string;
  /** NIS domain name of a new uts namespace. */
  domainname?: string;
  /** In order, each over those before it. */
  mounts?: Mount[];
  /** Programs around its life. */
  hooks?: Hooks;
  /** Anything, for others to read. */
  annotations?: Record<string, string>;
  /** What only Linux has. */
  linux?: Linux;
}

/** The root file system. */
export interface Root {
  /** On the host, absolute or relative to the bundle. */
  path: string;
  /** Takes no write. Default false. */
  readonly?: boolean;
}

/** The program and everything that it inherits (config.md, process). */
export interface Process {
  /** Has a terminal of its own. Default false. */
  terminal?: boolean;
  /** Of the terminal, in characters. */
  consoleSize?: { height: number; width: number };
  /** As whom, by number. */
  user: User;
  /** Program and arguments. */
  args: string[];
  /** `NAME=value`. */
  env?: string[];
  /** In the container, absolute. */
  cwd: string;
  /** Absent: it holds none. */
  capabilities?: Capabilities;
  /** Resource limits (setrlimit(2)). */
  rlimits?: Rlimit[];
  /** Set-user-ID files give no privileges. Default false. */
  noNewPrivileges?: boolean;
  /** Name of a loaded AppArmor profile. */
  apparmorProfile?: string;
  /** Of SELinux; an error where there is none. */
  selinuxLabel?: string;
  /** -1000 to 1000 (proc(5)). */
  oomScoreAdj?: number;
  /** Scheduling policy (sched_setattr(2)). */
  scheduler?: Scheduler;
  /** I/O priority, 0 (first) to 7 (ioprio_set(2)). */
  ioPriority?: { class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'; priority?: number };
  /** Processors for a program that is executed later. */
  execCPUAffinity?: { initial?: string; final?: string };
}

/** As whom the program runs, by number, as the container counts. */
export interface User {
  /** User. */
  uid: number;
  /** Group. */
  gid: number;
  /** Bits that new files lack. Default 0o022. */
  umask?: number;
  /** Supplementary groups. */
  additionalGids?: number[];
}

/** Sets of capabilities of the program (capabilities(7)), by full name. */
export interface Capabilities {
  /** No execve gives one that is not here. */
  bounding?: string[];
  /** Held when the program begins. */
  effective?: string[];
  /** Kept over execve where the file has them as well. */
  inheritable?: string[];
  /** May be made effective. */
  permitted?: string[];
  /** Kept over execve by programs without file capabilities; must be permitted and inheritable. */
  ambient?: string[];
}

/** A resource limit (setrlimit(2)). */
export interface Rlimit {
  /** By its full name: `RLIMIT_NOFILE`. */
  type: string;
  /** In force; 2^64 - 1 = no limit. */
  soft: Uint64;
  /** What the soft one may be raised to. */
  hard: Uint64;
}

/** Scheduling policy of the program (sched_setattr(2)). */
export interface Scheduler {
  /** A real-time one needs CAP_SYS_NICE on the host. */
  policy: SchedulerPolicy;
  /** -20 to 19, for SCHED_OTHER and SCHED_BATCH. */
  nice?: number;
  /** 1 to 99, for SCHED_FIFO and SCHED_RR. */
  priority?: number;
  /** `SCHED_FLAG_RESET_ON_FORK` … */
  flags?: SchedulerFlag[];
  /** Nanoseconds, for SCHED_DEADLINE; likewise the next two. */
  runtime?: Uint64;
  /** Nanoseconds. */
  deadline?: Uint64;
  /** Nanoseconds. */
  period?: Uint64;
}

/** A mount of the container (config.md, mounts), in the order in which they are made. */
export interface Mount {
  /** In the container; a relative one is that to `/`. */
  destination: string;
  /** Of the file system; `bind` or absent with the option `bind`. */
  type?: string;
  /** On the host for a bind, else a name for /proc/mounts. */
  source?: string;
  /** As mount(8) has them, and the spec's own: `rro`, `idmap`, `ridmap` … */
  options?: string[];
  /** A map of its own, for a bind; without one `idmap` and `ridmap` take the container's. */
  uidMappings?: IdMapping[];
  /** As `uidMappings`. */
  gidMappings?: IdMapping[];
}

/** A program of the host to be run at a moment of a container's life (config.md, POSIX-platform hooks). */
export interface Hook {
  /** On the host, absolute. */
  path: string;
  /** Argument list, its own name first. */
  args?: string[];
  /** `NAME=value`. */
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

/** Programs to be run around a container's life: by tsrun-oci; to the library a hook is `ERR_TSRUN_UNSUPPORTED`. */
export interface Hooks {
  /** Before the program, in the runtime's namespaces; out of date. */
  prestart?: Hook[];
  /** Once the namespaces are made, in the runtime's. */
  createRuntime?: Hook[];
  /** Once the namespaces are made, in the container's, before pivot_root. */
  createContainer?: Hook[];
  /** Before the program, in the container. */
  startContainer?: Hook[];
  /** Once the program runs. */
  poststart?: Hook[];
  /** Once the container is gone. */
  poststop?: Hook[];
}
