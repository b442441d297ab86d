/** Docker's words for limits, as a start and an update share them. */

import type { Faults } from '../../spec/faults.js';
import { parseSize } from '../../spec/size.js';
import type { Resources } from '../../spec/types.js';
import type { Size } from '../options/options.js';

/** Undefined for 0, docker's word for "not set". */
export function bytesOf(size: Size | undefined): number | undefined {
  const bytes = size === undefined ? 0 : parseSize(size);
  return bytes === 0 ? undefined : bytes;
}

/** The same, and -1 for all swap. */
export function swapBytesOf(size: Size | undefined): number | undefined {
  return size === -1 ? -1 : bytesOf(size);
}

/** Docker's period: 100 ms. */
const periodMicros = 100_000;

/** Processor time as the kernel counts it. */
export function bandwidthOf(cpus: number): Pick<NonNullable<Resources['cpu']>, 'quota' | 'period'> {
  return { quota: Math.round(cpus * periodMicros), period: periodMicros };
}

/** @param limit of memory; undefined: none */
export function checkReservation(reservation: number | undefined, limit: number | undefined, faults: Faults): void {
  if (limit === undefined || reservation === undefined || reservation <= limit) return;
  faults.add('/memoryReservation', `${reservation} bytes are more than the limit of ${limit}`, 'reserve at most what memory allows');
}

/** @param limit of memory; undefined: none */
export function checkSwap(swap: number | undefined, limit: number | undefined, faults: Faults): void {
  if (swap === undefined || swap === -1) return;
  if (limit === undefined) faults.add('/memorySwap', 'needs memory beside it, since it counts memory and swap together', 'set memory as well');
  else if (swap < limit) faults.add('/memorySwap', `${swap} bytes are less than the memory limit of ${limit}`, 'it counts memory and swap together; -1 allows all swap');
}
