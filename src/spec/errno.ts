/** Names of errnos. */

import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** Node's own function knows only what libuv does, and so neither ENOEXEC nor EBADMSG. */
export function systemErrorName(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? getSystemErrorName(-errno);
}

/** The name that a call of Node's failed with, `ENOENT`; undefined for any other error. */
export function errnoName(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
