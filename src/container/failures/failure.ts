/** What is known of a step that failed, and what can be said of it. */
import type { Plan } from '../../plan/plan.js';
import type { Step } from '../../plan/wire.generated.js';
import type { ErrorCode } from '../../spec/errors.js';

export interface FailureContext {
  readonly syscallName: (number: number) => string;
  readonly readInRoot: (path: string, limitBytes: number) => Buffer | null;
}

/** One step that failed: `errno` and `syscall` by name. */
export interface Failure<S extends Step = Step> {
  readonly step: S;
  readonly errno: string;
  readonly syscall: string;
  readonly plan: Plan;
}

export interface Explanation {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Where the step stands for several fields: the one that is to blame. */
  readonly field?: string;
  /** The message says all: the step that found out is of no interest. */
  readonly isWhole?: boolean;
}

/** Hints for an errno when the step says nothing more special. */
export const hints: Readonly<Record<string, string>> = {
  EPERM: 'the kernel or a security module forbids it here: see tsrun doctor',
  EACCES: 'the caller has no right to it: run as root, or see tsrun doctor',
  ENOSPC: 'a limit of the kernel is reached (mounts, namespaces, cgroups), or the disk is full: see tsrun doctor',
  EMFILE: 'too many open files: raise the limit of the calling process',
  ENOMEM: 'the host, or the cgroup that the container was to be born in, has no memory left',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ELOOP: 'a symbolic link is on the way where none may be, or leads in a circle',
  EBADMSG: 'launcher and library are of different versions: build or install again',
};
