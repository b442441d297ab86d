/** The folder for runtime state: looked at before anything is put there. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';

/** sockaddr_un has 108 bytes with the NUL (unix(7)), and a socket is bound under a name with a dot before its own. */
const longestSocketPath = 106;

/** What the root's path is followed by: the longest name of a launcher. */
const longestSocketName = '/launchers/survivor-123456789012'.length;

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function checkStateRoot(path: string, origin: 'TSRUN_ROOT' | 'XDG_RUNTIME_DIR' | 'root'): void {
  const what = origin === 'root' ? 'option /root' : origin;
  const details = (hint: string) => ({ hint, ...(origin === 'root' && { field: '/root' }) });
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${what}: ${show(path)} is not an absolute path`, details('give a path from "/" on, such as /run/tsrun'));
  }
  const most = longestSocketPath - longestSocketName;
  const bytes = Buffer.byteLength(path);
  if (bytes > most) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${what}: the path has ${bytes} bytes, and sockets below it leave room for ${most}`, details('choose a shorter one, such as /run/tsrun'));
  }
}

/**
 * Step by step: in a folder of procfs, where nothing can be made, Node's own recursive way never ends.
 *
 * @throws ERR_TSRUN_HOST
 */
export function makeFolder(path: string): void {
  try {
    makeWithParents(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/**
 * Whether `makeFolder` would do, as far as that can be told without making anything.
 *
 * @throws ERR_TSRUN_HOST
 */
export function checkFolder(path: string): void {
  try {
    let existing = path;
    while (existing !== dirname(existing) && statSync(existing, { throwIfNoEntry: false }) === undefined) existing = dirname(existing);
    // With the slash, what is no folder is refused too (path_resolution(7)).
    accessSync(`${existing}/`, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/**
 * For who only looks: what is there, if anything, can be read.
 *
 * @throws ERR_TSRUN_HOST
 */
export function checkReadable(path: string): void {
  try {
    accessSync(`${path}/`, constants.R_OK | constants.X_OK);
  } catch (cause) {
    const errno = errnoName(cause);
    if (errno !== 'ENOENT') throw unusable(path, cause, errno === 'EACCES' ? 'it may not be read (EACCES)' : undefined);
  }
}

function unusable(path: string, cause: unknown, reason?: string): TsrunError {
  const errno = errnoName(cause) ?? 'an error';
  return new TsrunError('ERR_TSRUN_HOST', `the folder for runtime state ${show(path)} cannot be used: ${reason ?? reasons[errno] ?? errno}`, {
    cause,
    hint: 'set TSRUN_ROOT to a folder of your own on a file system that can be written to',
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
  EEXIST: 'it is no folder (EEXIST)',
  EACCES: 'it may not be written to (EACCES)',
  EPERM: 'it may not be written to (EPERM)',
  EROFS: 'its file system is read-only (EROFS)',
  ENOENT: 'its file system lets nobody make folders (ENOENT)',
};

function makeWithParents(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeWithParents(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have been quicker.
    if (errnoName(error) !== 'EEXIST' || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
