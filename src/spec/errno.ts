/** Names of errnos. */

import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** Node's own function knows only what libuv does, and so neither ENOEXEC nor EBADMSG. */
export function systemErrorName(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? getSystemErrorName(-errno);
}
