/** A tar archive as a tree of files that are read where they stand in it. */
import type { FileHandle } from 'node:fs/promises';
import { printable } from '../../spec/quote.js';
import { documentError } from '../documents/shapes.js';
import { streamPart, type FileTree, type TreeFile } from './file-tree.js';
import { walkTar, type TarEntry } from './tar-walk.js';

/** The archive of the largest apps has some 300,000 files; one of an image a few for each layer. */
const mostEntries = 500_000;
/** As many as path_resolution(7) follows, and as long as it takes paths to be. */
const mostLinks = 40;
const longestPath = 4096;

export interface TarTree extends FileTree {
  /** In their order, as they are written. */
  readonly entries: readonly TarEntry[];
  readonly handle: FileHandle;
}

/**
 * Takes `handle`, which is closed with the tree, or when this fails.
 *
 * @param name names the archive in errors, quoted
 * @throws ERR_TSRUN_IMAGE
 */
export async function openTarTree(handle: FileHandle, name: string, signal?: AbortSignal): Promise<TarTree> {
  try {
    const entries: TarEntry[] = [];
    for await (const entry of walkTar(handle, name)) {
      signal?.throwIfAborted();
      if (entries.length === mostEntries) throw documentError(`${name} has more than ${mostEntries} entries`, 'an image as an archive has a few for each layer');
      entries.push(entry);
    }
    return treeOf(handle, name, entries);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function treeOf(handle: FileHandle, name: string, entries: readonly TarEntry[]): TarTree {
  const byPath = new Map<string, TarEntry>();
  // The last of two entries of one name is the one that tar(1) leaves.
  for (const entry of entries) {
    const parts = entry.path.length > longestPath ? ['..'] : partsOf(entry.path);
    const path = parts.join('/');
    // GNU tar writes a file that it was told twice as a hard link to itself.
    const isItself = entry.kind === 'hard link' && byPath.has(path) && partsOf(entry.target).join('/') === path;
    if (!parts.includes('..') && !isItself) byPath.set(path, entry);
  }
  return {
    name,
    entries,
    handle,
    find: (path) => Promise.resolve(fileOf(resolveEntry(byPath, path, name), path, handle, name)),
    close: () => handle.close(),
  };
}

/** Components of a path, as a root sees it. */
export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function fileOf(entry: TarEntry | undefined, path: string, handle: FileHandle, name: string): TreeFile | undefined {
  if (entry === undefined) return undefined;
  const shown = `'${printable(path, 200)}' in ${name}`;
  if (entry.kind !== 'file') throw documentError(`${shown} is a ${entry.kind}, not a regular file`, entry.kind === 'sparse file' ? 'write the archive without --sparse' : undefined);
  const { offset: start, size } = entry;
  return { size, open: ({ offset, signal }) => Promise.resolve(streamPart(handle, Math.min(start + offset, start + size), start + size, shown, signal)) };
}

/** Follows links as a process would whose root is the archive: `docker save` once made one of each layer that it had written before. */
function resolveEntry(byPath: ReadonlyMap<string, TarEntry>, path: string, name: string): TarEntry | undefined {
  let left = partsOf(path);
  let at: string[] = [];
  let found: TarEntry | undefined;
  for (let links = 0; left.length > 0;) {
    const [part = '', ...rest] = left;
    left = rest;
    if (part === '..') {
      at = at.slice(0, -1);
      continue;
    }
    found = byPath.get([...at, part].join('/'));
    if (found?.kind !== 'symbolic link' && found?.kind !== 'hard link') {
      at = [...at, part];
      continue;
    }
    if (++links > mostLinks || found.target.length > longestPath) throw documentError(`links to '${printable(path, 200)}' in ${name} lead in a circle`);
    if (found.kind === 'hard link' || found.target.startsWith('/')) at = [];
    left = [...partsOf(found.target), ...left];
  }
  return byPath.get(at.join('/'));
}
