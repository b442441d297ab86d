/** Limits, as a start or a later update is asked for them. */

import { cgroupFiles, cpuList, unsetOr } from '../../spec/schema-common.js';
import { anyOf, assertShape, integer, number, optional, strictObject, type Fields } from '../../spec/shape.js';
import { size } from './option-shapes.js';
import type { LimitOptions } from './options.js';

const unlimited = integer(-1, -1);

export const limitFields: Fields<LimitOptions> = {
  memory: optional(size),
  memorySwap: optional(anyOf(unlimited, size)),
  memoryReservation: optional(size),
  // Below 0.01 the quota is under the kernel's 1 ms in a period of 100 ms.
  cpus: optional(number(0.01, 8192)),
  cpuShares: optional(unsetOr(2, 262_144)),
  cpusetCpus: optional(cpuList),
  // PID_MAX_LIMIT of a 64-bit kernel; with 0 not even the first process could start.
  pids: optional(anyOf(unlimited, integer(1, 4_194_304))),
  unified: optional(cgroupFiles),
};

const limitOptions = strictObject<LimitOptions>(limitFields);

/** @throws ERR_TSRUN_INVALID_ARGUMENT, with the JSON pointer of the option in `field` */
export function validateLimitOptions(value: unknown): LimitOptions {
  assertShape(limitOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  return value;
}
