/**
 * Every error that tsrun raises. `code` is stable and is what a program should test; the message is for people:
 * lower case, no full stop, paths quoted. `hint` is one line that says what to do about it.
 */

const brand = Symbol.for('tsrun.error');

/** What went wrong, for programs to tell apart. Codes do not change their meaning. */
export type ErrorCode =
  /** An option, flag or spec field has a value that is not allowed. Nothing was touched. */
  | 'ERR_TSRUN_INVALID_ARGUMENT'
  /** A config.json or spec object breaks the runtime-spec. Nothing was touched. */
  | 'ERR_TSRUN_INVALID_SPEC'
  /** The spec asks for something that tsrun does not do. Nothing was touched. */
  | 'ERR_TSRUN_UNSUPPORTED'
  /** The kernel, the cgroup tree or the caller's rights cannot give what was asked for. */
  | 'ERR_TSRUN_HOST'
  /** A limit that was asked for cannot be held on this host. */
  | 'ERR_TSRUN_LIMIT_UNAVAILABLE'
  /** The image is missing or is not something that tsrun can run. */
  | 'ERR_TSRUN_IMAGE'
  /** A registry could not be reached, refused, or answered with something else than it should. */
  | 'ERR_TSRUN_REGISTRY'
  /** The image store cannot be read or written: a full disk, a damaged file, a file system that will not do. */
  | 'ERR_TSRUN_STORE'
  /** What was to be copied is not there, does not fit what lies where it was to go, or cannot be read or written. */
  | 'ERR_TSRUN_COPY'
  /** A log drain could not deliver; it tries again, or has lost what it had. */
  | 'ERR_TSRUN_DRAIN'
  /** A user or group name is not in the image's own passwd or group file. */
  | 'ERR_TSRUN_USER_NOT_FOUND'
  /** A step of the plan failed; everything before it was undone. */
  | 'ERR_TSRUN_SETUP'
  /** The program is not in the image (exit code 127). */
  | 'ERR_TSRUN_COMMAND_NOT_FOUND'
  /** The program is there but cannot be executed, or the folder is not that it shall run in (exit code 126). */
  | 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE'
  /** No container has this id. */
  | 'ERR_TSRUN_NOT_FOUND'
  /** A container with this id exists. */
  | 'ERR_TSRUN_EXISTS'
  /** The container is not in a state that allows the operation. */
  | 'ERR_TSRUN_STATE'
  /** The launcher died or its connection broke. */
  | 'ERR_TSRUN_LAUNCHER_LOST'
  /** The addon or the launcher could not be loaded. */
  | 'ERR_TSRUN_NATIVE_LOAD'
  /** The release phase of an app failed: none of its dynos was started. */
  | 'ERR_TSRUN_RELEASE'
  /** The operation was cancelled by its AbortSignal. */
  | 'ERR_TSRUN_ABORTED';

/** What an error is made with beside code and message. */
export interface ErrorDetails {
  /** One line: what to do about it. */
  readonly hint?: string | undefined;
  /** JSON pointer of the spec field that caused it, e.g. `/mounts/0/destination`. */
  readonly field?: string | undefined;
  /** What lies below it: another error, or an AbortSignal's reason. */
  readonly cause?: unknown;
}

/**
 * Every error that tsrun raises on purpose.
 *
 * @example
 * import { Runtime, TsrunError } from 'tsrun';
 * await using runtime = await Runtime.open();
 * try {
 *   await runtime.run('./rootfs', { command: ['no-such-program'] });
 * } catch (error) {
 *   if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_COMMAND_NOT_FOUND') throw error;
 *   console.error(error.message, error.hint);
 * }
 */
export class TsrunError extends Error {
  /** Stable; what a program should test. */
  readonly code: ErrorCode;
  /** One line: what to do about it. */
  readonly hint: string | undefined;
  /** JSON pointer of the option or spec field that caused it, e.g. `/mounts/0/destination`. */
  readonly field: string | undefined;
  /** What `is` looks for: it is the same in every copy of tsrun. */
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
    this.field = details.field;
  }

  /** True for an error of any copy of tsrun that is loaded in this process. */
  static is(value: unknown): value is TsrunError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Which step failed, and how. */
export interface SetupErrorDetails extends ErrorDetails {
  /** Index of the step in the plan, from 0; -1: the plan was refused whole. */
  readonly step: number;
  /** Of the whole plan. */
  readonly stepCount: number;
  /** The step's name, e.g. `mount`. */
  readonly op: string;
  /** Name of the system call that failed, e.g. `move_mount`. */
  readonly syscall: string;
  /** Negative, as in Node's system errors. */
  readonly errno: number;
  /** E.g. `EPERM`. */
  readonly errnoName: string;
}

/** A step of the plan failed. Everything before it was undone before this was raised. */
export class SetupError extends TsrunError {
  /** Index of the step in the plan, from 0; the message counts from 1, as `explain` does. -1: the plan was refused whole. */
  readonly step: number;
  /** Of the whole plan. */
  readonly stepCount: number;
  /** The step's name, e.g. `mount`. */
  readonly op: string;
  /** Name of the system call that failed. */
  readonly syscall: string;
  /** Negative, as in Node's system errors. */
  readonly errno: number;
  /** E.g. `EPERM`. */
  readonly errnoName: string;

  constructor(code: ErrorCode, message: string, details: SetupErrorDetails) {
    super(code, message, details);
    this.step = details.step;
    this.stepCount = details.stepCount;
    this.op = details.op;
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.errnoName = details.errnoName;
  }
}

/** The candidate nearest to `word` by edit distance, if it is near enough to be a misspelling. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = mostSlips(word.length) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Of a short word too little would be left: every other one is near to it. */
function mostSlips(length: number): number {
  if (length <= 4) return Math.min(1, Math.max(0, length - 1));
  return Math.max(2, Math.floor(length / 3));
}

/** Letters too many, too few, wrong, or swapped with a neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(substitution, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
