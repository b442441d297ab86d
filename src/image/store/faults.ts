/** What goes wrong with a store, as a sentence. */
import { statfs } from 'node:fs/promises';
import { addonErrnoName, descriptorHint, errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';

const why: Readonly<Record<string, string>> = {
  EACCES: 'permission denied (EACCES)',
  EPERM: 'permission denied (EPERM)',
  EROFS: 'its file system is read-only (EROFS)',
  EIO: 'the disk fails (EIO)',
  ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
  ENAMETOOLONG: 'its path is too long (ENAMETOOLONG)',
};

const readOnlyHint = 'a store that is read-only can be looked at alone (images, inspect, history, layers): mount it to be written to, or name another one: --root-dir, TSRUN_IMAGES';

export function isFull(error: unknown): boolean {
  const errno = errnoName(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** Of a call of Node's or the addon's that failed on a file of the store. */
export async function storeError(path: string, cause: unknown): Promise<TsrunError> {
  if (TsrunError.is(cause)) return cause;
  if (isFull(cause)) return fullError(path, cause);
  const errno = errnoName(cause) ?? addonErrnoName(cause);
  const wanting = descriptorHint(errno);
  if (wanting !== undefined) return new TsrunError('ERR_TSRUN_HOST', `no descriptor is left for the image store (${errno})`, { hint: wanting, cause });
  const what = why[errno ?? ''] ?? errno ?? String(cause);
  const hint = errno === 'EROFS' ? readOnlyHint : 'name a folder of your own on a file system that can be written to: --root-dir, TSRUN_IMAGES';
  return new TsrunError('ERR_TSRUN_STORE', `'${printable(path, 400)}' of the image store cannot be used: ${what}`, { hint, cause });
}

async function fullError(path: string, cause: unknown): Promise<TsrunError> {
  const free = await freeBytes(path);
  const quota = errnoName(cause) === 'EDQUOT' ? 'the quota is used up' : 'no space is left';
  return lacksSpace(`${quota} for '${printable(path, 400)}' of the image store${free === undefined ? '' : `: ${free} bytes are free`}`, cause);
}

export function lacksSpace(message: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_STORE', message, {
    hint: 'free some: tsrun prune removes images that nothing needs; or name a store on another file system: --root-dir, TSRUN_IMAGES',
    cause,
  });
}

/** For who may not use the reserve of root; undefined where the file system does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize, blocks } = await statfs(path);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}

const losses = new WeakSet<TsrunError>();

export function damaged(path: string, what: string, cause?: unknown): TsrunError {
  return loss(`'${printable(path, 400)}' of the image store is damaged: ${what}`, cause);
}

/** Something is not there that should be. */
export function loss(message: string, cause?: unknown): TsrunError {
  const error = new TsrunError('ERR_TSRUN_STORE', message, { hint: 'pull or import the image again: what is whole is not fetched a second time', cause });
  losses.add(error);
  return error;
}

/** Whether fetching the image again would mend it. */
export function isLoss(error: unknown): boolean {
  return error instanceof TsrunError && losses.has(error);
}

export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

export function aborted(signal: AbortSignal): TsrunError {
  return new TsrunError('ERR_TSRUN_ABORTED', 'the work on the image was aborted', { cause: signal.reason });
}
