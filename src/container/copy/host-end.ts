/** The end of a copy that lies on the host: the caller's own path, whose links are followed as for any program. */
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { printable } from '../../spec/quote.js';
import { circle, linkToNothing, parseCopyPath, refusal } from './copy-rules.js';
import type { DestinationEnd, SourceEnd } from './ends.js';

/** @throws ERR_TSRUN_COPY */
export async function hostSource(text: string, followLink: boolean): Promise<SourceEnd> {
  const { path, isContents, isFolder } = parseCopyPath(text, process.cwd());
  const status = await looked(path, isFolder || followLink ? stat : lstat);
  if (status === undefined) {
    const shown = `'${printable(text, 400)}'`;
    const target = await readlink(path).catch(() => undefined);
    throw target === undefined ? refusal(`there is no ${shown}`) : linkToNothing(shown, target, isFolder);
  }
  const name = basename(path);
  if (status.isDirectory()) return { place: { folder: await realpath(path) }, path: '.', follow: false, name, kind: 'folder', isContents };
  if (isFolder) throw refusal(`'${printable(text, 400)}' is no folder`);
  // Its folder is all that the program gets to see, and by name that it is told what to take.
  const file = followLink ? await realpath(path) : path;
  return { place: { folder: await realpath(dirname(file)) }, path: `./${basename(file)}`, follow: false, name, kind: 'other', isContents: false };
}

/**
 * A link that leads to a folder is that folder. Any other is replaced and not written through: an earlier copy may have put it there.
 * Devices and their like are not replaced, which every program on the host has need of: `/dev/null`, `/dev/stdout`.
 *
 * @throws ERR_TSRUN_COPY
 */
export async function hostDestination(text: string): Promise<DestinationEnd> {
  const { path, isFolder } = parseCopyPath(text, process.cwd());
  const status = await looked(path, stat);
  if (status?.isDirectory() !== true && ((status !== undefined && !status.isFile()) || (await leadsToKernel(path)))) {
    throw refusal(`'${printable(text, 400)}' is a device, a pipe or a socket, and no file to replace`, 'name a file; - as the destination writes an archive to standard output, and tsrun exec NAME cat FILE what is in it');
  }
  const isThere = status !== undefined || (await looked(path, lstat)) !== undefined;
  const above = await looked(dirname(path), stat);
  const parent = above === undefined ? 'missing' : above.isDirectory() ? 'folder' : 'other';
  return {
    shown: text.replace(/(?<=.)\/+$/, ''),
    isFolder,
    kind: status?.isDirectory() === true ? 'folder' : isThere ? 'other' : 'missing',
    parent,
    into: { place: { folder: status?.isDirectory() === true ? await realpath(path) : '' }, path: '.' },
    as: { place: { folder: parent === 'folder' ? await realpath(dirname(path)) : '' }, path: '.', name: basename(path) },
  };
}

/** As `/dev/stdout` does, also where standard output is a file. */
async function leadsToKernel(path: string): Promise<boolean> {
  const target = await readlink(path).catch(() => undefined);
  return target !== undefined && resolve(dirname(path), target).startsWith('/proc/');
}

/** Undefined where there is nothing. */
async function looked<T>(path: string, look: (path: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await look(path);
  } catch (error) {
    const errno = errnoName(error) ?? String(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    if (errno === 'ELOOP') throw circle(`'${printable(path, 400)}'`);
    throw refusal(`'${printable(path, 400)}' cannot be looked at: ${errno}`);
  }
}
