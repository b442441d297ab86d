/** New limits for a live container, in the words in which it was started: what is left out stays as it is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLimit } from '../cgroup/stats.js';
import { TsrunError } from '../spec/errors.js';
import { parseSize } from '../spec/size.js';
import type { Resources } from '../spec/types.js';
import type { LimitOptions } from './options.js';
import { validateLimitOptions } from './validate-limits.js';

/** The limits that hold: -1 for none, undefined where nobody can tell since the controller is not on cgroup v2. */
export interface MemoryNow {
  readonly limit?: number | undefined;
  /** Of swap alone, as the kernel counts. */
  readonly swap?: number | undefined;
}

export async function memoryLimits(cgroup: string): Promise<MemoryNow> {
  const read = async (file: string) => {
    const text = await readFile(join(cgroup, file), 'utf8').catch(() => undefined);
    const limit = text === undefined ? undefined : parseLimit(text);
    return limit === 'max' ? -1 : limit;
  };
  return { limit: await read('memory.max'), swap: await read('memory.swap.max') };
}

/** Docker's period: 100 ms. */
const periodMicros = 100_000;

/**
 * @param memoryNow `memorySwap` counts memory and swap together
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
 */
export function resourcesOf(options: LimitOptions, memoryNow: MemoryNow): Resources {
  validateLimitOptions(options);
  const { cpus, cpuShares, cpusetCpus, pids, unified } = options;
  const memory = memoryOf(options, memoryNow);
  const cpu = {
    ...(cpus !== undefined && { quota: Math.round(cpus * periodMicros), period: periodMicros }),
    ...(cpuShares !== undefined && { shares: cpuShares }),
    ...(cpusetCpus !== undefined && { cpus: cpusetCpus }),
  };
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: pids } }),
    ...(unified !== undefined && { unified: { ...unified } }),
  };
}

type Memory = NonNullable<Resources['memory']>;

function memoryOf({ memory, memorySwap, memoryReservation }: LimitOptions, memoryNow: MemoryNow): Memory {
  const limit = memory === undefined ? undefined : bytes(memory);
  return {
    ...(limit !== undefined && { limit }),
    ...(memorySwap === undefined ? keptSwap(limit, memoryNow) : swapOf(bytes(memorySwap), limit ?? memoryNow.limit)),
    ...(memoryReservation !== undefined && { reservation: parseSize(memoryReservation) }),
  };
}

/** The limit of both together stays, as docker has it; the kernel's own figure is of swap alone, and would let it grow. */
function keptSwap(limit: number | undefined, now: MemoryNow): Memory {
  if (limit === undefined || now.limit === undefined || now.limit < 0 || now.swap === undefined || now.swap < 0) return {};
  if (limit === -1) return { swap: -1 };
  const both = now.limit + now.swap;
  if (limit <= both) return { swap: both };
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `a limit of ${limit} bytes of memory is above that of memory and swap together, which is ${both}`, {
    field: '/memory',
    hint: 'set memorySwap (--memory-swap) at the same time',
  });
}

/** The kernel counts swap alone, so that the figure for both says nothing without the one for memory. */
function swapOf(swap: number, limit: number | undefined): Memory {
  if (swap === -1) return { swap };
  if (limit === -1) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'memorySwap needs a limit of memory, since it counts memory and swap together', {
      field: '/memorySwap',
      hint: 'set memory as well',
    });
  }
  return { swap, limit: limit ?? swap };
}

/** Zero is docker's word for no limit. */
function bytes(size: number | string): number {
  const value = size === -1 ? -1 : parseSize(size);
  return value === 0 ? -1 : value;
}
