/** How large a dyno may become: sizes as data, and the names that they have on Heroku. */
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import { boolean, integer, number, optional, strictObject, type Shape } from '../../spec/shape.js';

/** What a dyno may use. A limit that the host cannot hold is an error before anything is started. */
export interface DynoSize {
  /** The quota, in bytes, page cache included. Above it nothing happens but that the log says so at each sample (R14). */
  readonly memoryBytes: number;
  /** Times the quota, 1 to 100: who uses more without page cache is killed (R15), and the kernel gives no more. Default 2. */
  readonly hardFactor?: number;
  /** Weight against others when processors are scarce, 1024 being that of a whole share. Default 1024. */
  readonly cpuShares?: number;
  /** Processor time as a number of processors. Default: all that is free. */
  readonly cpus?: number;
  /** Processes and threads together, told to the program as `ulimit -u`. Default: that of any container. */
  readonly pids?: number;
  /** Open files of each process (`ulimit -n`). Default: as any container. */
  readonly openFiles?: number;
  /** Room for what it writes to its root: a quota on disk, which needs a file system with project quotas. Default: as any container. */
  readonly diskBytes?: number;
  /** Whether all of it dies of a kill for want of memory, and not one process. Default true. */
  readonly oomGroup?: boolean;
}

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
/** Second-hand, from who has looked: the Dev Center does not say. */
const openFiles = 10_000;

/**
 * Shares of a machine are a weight; what the Dev Center calls dedicated has 12, 24, 50 and 100 of them in its column "compute", and
 * processors of its own: two and eight, as Heroku's buildpack for Python counts them; the larger ones as machines with their memory have.
 */
const share = 1024;

const standard1x = { memoryBytes: 512 * mebibyte, cpuShares: share, pids: 256, openFiles };
const withoutSwap = { memoryBytes: gibibyte, hardFactor: 1, cpuShares: 2 * share, pids: 512, openFiles };

/**
 * Sizes of Heroku's Cedar generation (Dev Center, "Dyno sizes", "Limits"). Of `performance-l-ram` two pages know different numbers
 * of threads; this is the later one. Those of Fir say in their names what they have: see `DynoSizeName`.
 */
export const dynoSizes = {
  eco: standard1x,
  basic: standard1x,
  'standard-1x': standard1x,
  'standard-2x': { memoryBytes: gibibyte, cpuShares: 2 * share, pids: 512, openFiles },
  'private-s': withoutSwap,
  'shield-s': withoutSwap,
  'performance-m': { memoryBytes: 2560 * mebibyte, cpuShares: 12 * share, cpus: 2, pids: 16_384, openFiles },
  'performance-l': { memoryBytes: 14 * gibibyte, cpuShares: 50 * share, cpus: 8, pids: 32_768, openFiles },
  'performance-l-ram': { memoryBytes: 30 * gibibyte, hardFactor: 1.2, cpuShares: 24 * share, cpus: 4, pids: 16_384, openFiles },
  'performance-xl': { memoryBytes: 62 * gibibyte, hardFactor: 1.2, cpuShares: 50 * share, cpus: 8, pids: 32_768, openFiles },
  'performance-2xl': { memoryBytes: 126 * gibibyte, hardFactor: 1.2, cpuShares: 100 * share, cpus: 16, pids: 65_536, openFiles },
} as const satisfies Readonly<Record<string, DynoSize>>;

/** One of `dynoSizes`, or a size of Heroku's Fir generation by its processors and memory: `dyno-2c-1gb`. */
export type DynoSizeName = keyof typeof dynoSizes | `dyno-${number}c-${number}gb`;

const names = Object.keys(dynoSizes);
const firName = /^dyno-([1-9]\d{0,2})c-(\d{1,4}(?:\.\d{1,2})?)gb$/;

/** By its name, as Heroku writes it or in capitals; undefined where there is none. */
export function namedSize(name: string): DynoSize | undefined {
  const lower = name.toLowerCase();
  for (const [known, size] of Object.entries(dynoSizes)) if (known === lower) return size;
  const [, cpus, gibibytes] = firName.exec(lower) ?? [];
  const memoryBytes = Math.floor(Number(gibibytes) * gibibyte);
  // All that a Fir dyno has is its own, and there is no swap.
  return memoryBytes > 0 ? { memoryBytes, hardFactor: 1, cpus: Number(cpus), openFiles } : undefined;
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT for a name that is none, which checked options have not */
export function sizeOf(choice: DynoSizeName | DynoSize): DynoSize {
  if (typeof choice !== 'string') return choice;
  const size = namedSize(choice);
  if (size === undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there is no size ${show(choice)}`, { hint: `there are ${sizeNames}` });
  return size;
}

/** For hints. */
export const sizeNames = `${names.join(', ')}, or one of Fir's: dyno-1c-0.5gb`;

const freeSize = strictObject<DynoSize>({
  memoryBytes: integer(mebibyte, Number.MAX_SAFE_INTEGER / 100),
  hardFactor: optional(number(1, 100)),
  cpuShares: optional(integer(2, 262_144)),
  cpus: optional(number(0.01, 8192)),
  pids: optional(integer(1, 2 ** 22)),
  openFiles: optional(integer(1, 2 ** 30)),
  diskBytes: optional(integer(1, Number.MAX_SAFE_INTEGER)),
  oomGroup: optional(boolean),
});

/** A name or a size of one's own. */
export const sizeShape: Shape<DynoSizeName | DynoSize> = {
  expects: 'the name of a size, or an object',
  check(value, at, faults) {
    if (typeof value !== 'string') freeSize.check(value, at, faults);
    else if (namedSize(value) === undefined) faults.expected(at, 'the name of a size', value, `there are ${sizeNames}`);
  },
};
