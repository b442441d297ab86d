/** New limits for a live container, in the words in which it was started: what is left out stays as it is. */
import { join } from 'node:path';
import { readFile } from '../host/files.js';
import { parseLimit } from '../cgroup/stats.js';
import { Faults } from '../spec/faults.js';
import type { Resources } from '../spec/types.js';
import { bandwidthOf, bytesOf, checkReservation, checkSwap, swapBytesOf } from './build/limit-words.js';
import type { LimitOptions } from './options/options.js';
import { validateLimitOptions } from './options/validate-limits.js';

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

/**
 * @param memoryNow the limit of memory bounds the reservation, and `memorySwap` counts memory and swap together
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
 */
export function resourcesOf(options: LimitOptions, memoryNow: MemoryNow): Resources {
  validateLimitOptions(options);
  const faults = new Faults();
  refuseUnset(options, faults);
  const { cpus, cpuShares, cpusetCpus, pids } = options;
  const memory = memoryOf(options, memoryNow, faults);
  faults.throwIfAny('ERR_TSRUN_INVALID_ARGUMENT', 'option');
  const cpu = {
    ...(cpus !== undefined && bandwidthOf(cpus)),
    ...(cpuShares !== undefined && { shares: cpuShares }),
    ...(cpusetCpus !== undefined && { cpus: cpusetCpus }),
  };
  const unified = unifiedOf(options);
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: pids } }),
    ...(Object.keys(unified).length > 0 && { unified }),
  };
}

/** Docker's words for "not set": to a start they are as good as nothing, and whoever gives them to an update means something by it. */
function refuseUnset({ cpuShares, cpusetCpus, memory, memorySwap }: LimitOptions, faults: Faults): void {
  if (cpuShares === 0) faults.add('/cpuShares', '0 stands for "not set" and changes nothing', '1024 is the weight of who has set none');
  if (cpusetCpus === '') faults.add('/cpusetCpus', 'an empty list stands for "not set" and changes nothing', 'list all processors to take the limit away');
  if (memory === undefined && memorySwap !== undefined && swapBytesOf(memorySwap) === undefined) {
    faults.add('/memorySwap', '0 stands for "not set" and changes nothing', '-1 allows all swap, as much as memory none');
  }
}

/** To the runtime-spec a reservation of 0 is "not set" too, so that taking one away needs the kernel's own word. */
function unifiedOf({ memoryReservation, unified }: LimitOptions): NonNullable<Resources['unified']> {
  const unreserved = memoryReservation !== undefined && bytesOf(memoryReservation) === undefined;
  return { ...(unreserved && { 'memory.low': '0' }), ...unified };
}

type Memory = NonNullable<Resources['memory']>;

function memoryOf({ memory, memorySwap, memoryReservation }: LimitOptions, now: MemoryNow, faults: Faults): Memory {
  const limit = memory === undefined ? undefined : (bytesOf(memory) ?? -1);
  const swap = swapBytesOf(memorySwap);
  const reservation = bytesOf(memoryReservation);
  const inForce = limit ?? now.limit;
  checkReservation(reservation, finite(inForce), faults);
  return {
    ...(limit !== undefined && { limit }),
    ...(swap === undefined ? keptSwap(limit, now, faults) : swapOf(swap, inForce, faults)),
    ...(reservation !== undefined && { reservation }),
  };
}

/** The limit of both together stays, as docker has it; the kernel's own figure is of swap alone, and would let it grow. */
function keptSwap(limit: number | undefined, now: MemoryNow, faults: Faults): Memory {
  if (limit === undefined || now.limit === undefined || now.limit < 0 || now.swap === undefined || now.swap < 0) return {};
  if (limit === -1) return { swap: -1 };
  const both = now.limit + now.swap;
  if (limit > both) {
    const message = `a limit of ${limit} bytes of memory is above that of memory and swap together, which is ${both}`;
    faults.add('/memory', message, 'set memorySwap (--memory-swap) at the same time');
  }
  return { swap: both };
}

/** The kernel counts swap alone, so that the figure for both says nothing without the one for memory. */
function swapOf(swap: number, limit: number | undefined, faults: Faults): Memory {
  if (swap === -1) return { swap };
  // Nobody can tell the limit where the controller is not on cgroup v2; that is what will be refused.
  if (limit === undefined) return { swap, limit: swap };
  checkSwap(swap, finite(limit), faults);
  return { swap, limit };
}

function finite(limit: number | undefined): number | undefined {
  return limit === -1 ? undefined : limit;
}
