/** Names and numbers that end up in paths and in setuid: read strictly, since a lenient reading of `1:` or `+0` gives root. */

import { TsrunError } from './errors.js';
import { show } from './quote.js';
import type { IdMapping } from './types.js';

/** The kernel keeps 4294967295 for "no id" (user_namespaces(7)). */
export const largestId = 4_294_967_294;

/** As long as a path component and a cgroup with a prefix and a suffix may be, with room to spare. */
const containerId = /^[A-Za-z0-9_+][A-Za-z0-9_+.-]{0,127}$/;
const decimal = /^(?:0|[1-9][0-9]{0,9})$/;

/** Whether it can name a container: 1 to 128 letters, digits, `_`, `+`, `.` and `-`, the first neither `.` nor `-`. */
export function isContainerId(id: unknown): id is string {
  return typeof id === 'string' && containerId.test(id);
}

/**
 * Container ids name folders and cgroups, so nothing that a path or a command line reads in another way is allowed.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT
 */
export function checkContainerId(id: unknown): asserts id is string {
  if (isContainerId(id)) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${show(id)} cannot be a container id`, {
    field: '/id',
    hint: 'use 1 to 128 letters, digits, "_", "+", "." and "-", the first one neither "." nor "-"',
  });
}

/** A user or group id in plain decimal; undefined for all else, which then is a name. */
export function parseId(text: string): number | undefined {
  if (!decimal.test(text)) return undefined;
  const id = Number(text);
  return id <= largestId ? id : undefined;
}

/** What an id of a user namespace is outside of it; undefined where the map has none. */
export function mappedId(map: readonly IdMapping[], id: number): number | undefined {
  const range = map.find(({ containerID, size }) => id >= containerID && id - containerID < size);
  return range === undefined ? undefined : range.hostID + (id - range.containerID);
}
