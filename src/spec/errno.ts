/** Names of errnos. */

import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** Where the errnos of a seccomp profile end: the kernel cuts at 4095, libseccomp takes none above 4094, and that one stands for "ask the next layer". */
export const maxErrno = 4093;

/** What os.constants leaves out, of errno(3). */
const others: ReadonlyMap<number, string> = new Map([[109, 'ETOOMANYREFS']]);

/** Made when the first is asked for; of two names for one number the first counts. */
let names: ReadonlyMap<number, string> | undefined;

/** Node's own function knows only what libuv does, and so neither ENOEXEC nor EBADMSG. */
export function systemErrorName(errno: number): string {
  names ??= new Map(Object.entries(constants.errno).reverse().map(([name, number]) => [number, name]));
  return names.get(errno) ?? others.get(errno) ?? getSystemErrorName(-errno);
}

/** The name that a call of Node's failed with, `ENOENT`; undefined for any other error. */
export function errnoName(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The same of a call of the addon's, whose errors have the number alone, and that without a sign. */
export function addonErrnoName(error: unknown): string | undefined {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' && error.errno > 0 ? systemErrorName(error.errno) : undefined;
}

/** Whose files are too many, of a want of descriptors; undefined for any other errno. */
export function descriptorHint(errno: string | undefined): string | undefined {
  if (errno === 'EMFILE') return 'raise the limit of open files: ulimit -n';
  return errno === 'ENFILE' ? 'the whole host has too many open files: close some, or raise /proc/sys/fs/file-max' : undefined;
}
