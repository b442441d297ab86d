/**
 * Looking into an image that nobody has mounted: its layers as overlayfs would show them. Layers are the store's and never change, but
 * what lies in them came from an attacker: links are followed by hand, from the image's root, and never by the host's kernel.
 */

import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { constants as numbers } from 'node:os';
import { join } from 'node:path';
import { errnoName } from '../spec/errno.js';

/** What stands at a place of an image. */
export interface LayeredEntry {
  /** Of its topmost form; of a folder what lies in the others shows as well. */
  readonly status: Stats;
  /** Where it lies on the host, topmost first: several of a folder alone. */
  readonly places: readonly string[];
}

/** Says whether a folder hides those of the layers below: the attribute `trusted.overlay.opaque`, or `user.` for an ordinary user. */
export type IsOpaque = (folder: string) => boolean;

/** As many as the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/**
 * @param layers topmost first
 * @returns undefined where there is nothing
 * @throws an error as the addon's, with ELOOP for links in a circle
 */
export function findInLayers(layers: readonly string[], innerPath: string, isOpaque: IsOpaque): LayeredEntry | undefined {
  const [root = ''] = layers;
  const top: LayeredEntry = { status: lstatSync(root), places: layers };
  const walked: LayeredEntry[] = [top];
  const left = innerPath.split('/');
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.' || name === '..') {
      if (walked.at(-1)?.status.isDirectory() !== true) return undefined;
      if (name === '..' && walked.length > 1) walked.pop();
      continue;
    }
    const entry = child(walked.at(-1) ?? top, name, isOpaque);
    if (entry === undefined) return undefined;
    if (!entry.status.isSymbolicLink()) {
      walked.push(entry);
      continue;
    }
    if (++links > mostLinks) throw failure('ELOOP', `too many links on the way to ${innerPath}`);
    const target = readlinkSync(entry.places[0] ?? '');
    if (target.startsWith('/')) walked.length = 1;
    left.unshift(...target.split('/'));
  }
  return walked.at(-1);
}

/** Where a path leads by the links of the image; what is not there, or no folder, is taken for a folder without links. */
export function resolveInLayers(layers: readonly string[], innerPath: string, isOpaque: IsOpaque): string {
  const walked: { readonly name: string; readonly entry: LayeredEntry | undefined }[] = [];
  const top: LayeredEntry = { status: lstatSync(layers[0] ?? ''), places: layers };
  const left = innerPath.split('/');
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '..') walked.pop();
    if (name === '' || name === '.' || name === '..') continue;
    const last = walked.at(-1);
    const parent = last === undefined ? top : last.entry;
    const entry = parent === undefined ? undefined : child(parent, name, isOpaque);
    if (entry?.status.isSymbolicLink() !== true) {
      walked.push({ name, entry });
      continue;
    }
    if (++links > mostLinks) throw failure('ELOOP', `too many links on the way to ${innerPath}`);
    const target = readlinkSync(entry.places[0] ?? '');
    if (target.startsWith('/')) walked.length = 0;
    left.unshift(...target.split('/'));
  }
  return `/${walked.map(({ name }) => name).join('/')}`;
}

/** A regular file of the image, at most so many bytes of it; null where there is none. Errors are as the addon's `readInRoot` has them. */
export function readInLayers(layers: readonly string[], innerPath: string, limitBytes: number, isOpaque: IsOpaque): Buffer | null {
  const entry = innerPath === '' ? undefined : findInLayers(layers, innerPath, isOpaque);
  if (entry === undefined) return null;
  // Opening what is no file may wait for a writer, or do something.
  if (!entry.status.isFile()) throw failure('EINVAL', `${innerPath} is no regular file`);
  const fd = openSync(entry.places[0] ?? '', constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.min(fstatSync(fd).size, limitBytes));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Where the link at a path leads, when nothing before its last name is a link; undefined for anything else. */
export function linkInLayers(layers: readonly string[], innerPath: string, isOpaque: IsOpaque): string | undefined {
  let entry: LayeredEntry | undefined = { status: lstatSync(layers[0] ?? ''), places: layers };
  for (const name of innerPath.split('/').filter((part) => part !== '' && part !== '.')) {
    entry = child(entry, name, isOpaque);
    if (entry === undefined) return undefined;
  }
  return entry.status.isSymbolicLink() ? readlinkSync(entry.places[0] ?? '') : undefined;
}

/** Whether a folder of the image shows nothing. One with a crowd of whiteouts counts as full, however many entries these hide. */
export function isEmptyInLayers({ places }: LayeredEntry): boolean {
  const hidden = new Set<string>();
  return places.every((place) => {
    const folder = opendirSync(place);
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (hidden.has(entry.name)) continue;
        if (hidden.size === mostWhiteouts || !entry.isCharacterDevice() || !isWhiteout(lstatSync(join(place, entry.name)))) return false;
        hidden.add(entry.name);
      }
      return true;
    } finally {
      folder.closeSync();
    }
  });
}

const mostWhiteouts = 256;

/** Overlayfs shows a character device 0:0 as nothing, and nothing of that name below it (overlayfs.rst, "whiteouts and opaque directories"). */
export function isWhiteout(status: Stats): boolean {
  return status.isCharacterDevice() && status.rdev === 0;
}

function child({ status: parent, places }: LayeredEntry, name: string, isOpaque: IsOpaque): LayeredEntry | undefined {
  if (!parent.isDirectory()) return undefined;
  const found: string[] = [];
  let first: Stats | undefined;
  for (const place of places) {
    const path = join(place, name);
    const status = look(path);
    if (status === undefined) continue;
    if (isWhiteout(status) || (first !== undefined && !status.isDirectory())) break;
    first ??= status;
    found.push(path);
    if (!status.isDirectory() || isOpaque(path)) break;
  }
  return first === undefined ? undefined : { status: first, places: found };
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const errno = errnoName(error);
    if (errno === 'ENOENT') return undefined;
    throw errno === undefined ? error : failure(errno, `${path}: ${errno}`, error);
  }
}

/** As the addon throws it: the number, without a sign. */
function failure(errno: string, message: string, cause?: unknown): Error {
  const number = Object.entries(numbers.errno).find(([name]) => name === errno)?.[1];
  return Object.assign(new Error(message, { cause }), { errno: number });
}
