/** The words in which resource limits are spoken of between their conversion, the plan and `update`. */
import { TsrunError } from '../spec/errors.js';
import { printable, show } from '../spec/quote.js';

const LONGEST_FIELD = 200;

export interface LimitWrite {
  /** Name of the file in the container's cgroup, e.g. `memory.max`. */
  readonly file: string;
  readonly value: string;
  /** JSON pointer of the spec field that asked for it. */
  readonly field: string;
  /** The v2 controller that must be handed down; `cgroup` = the core, always there. */
  readonly controller: string;
}

/** A limit that was asked for and that this host cannot hold. */
export interface MissingLimit {
  /** The controller is on v2, but other processes live in the cgroup that should hand it down. */
  readonly crowded?: true;
  readonly controller: string;
  readonly field: string;
  /** The file that this kernel does not have although the controller is there. */
  readonly file?: string;
  /** The cgroup v1 mount that holds the controller instead; empty when it is on v1 but not at its usual place. */
  readonly mountedAt?: string;
}

/** `update` refuses the new limit when the sum of these files is above `atMost` (memory.checkBeforeUpdate). */
export interface UsageCheck {
  readonly files: readonly string[];
  readonly atMost: number;
  readonly field: string;
}

export function unsupported(field: string, what: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', `${what} does not exist in cgroup v2`, { field, hint });
}

export function invalidLimit(field: string, value: number | string, allowed: string): TsrunError {
  const message = `${show(value)} is not allowed for ${printable(field, LONGEST_FIELD)}`;
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field, hint: allowed });
}

export interface Bounds {
  readonly min: number;
  readonly max?: number;
  /** One line that says what is allowed. */
  readonly allowed: string;
}

export function checkInteger(value: number, field: string, { min, max = Number.MAX_SAFE_INTEGER, allowed }: Bounds): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) throw invalidLimit(field, value, allowed);
  return value;
}

/** -1 is the spec's word for no limit, `max` the kernel's. */
export function maxOr(value: number): string {
  return value === -1 ? 'max' : String(value);
}
