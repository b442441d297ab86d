/** A tar archive as a tree of files that are read where they stand in it. */
import type { FileHandle } from 'node:fs/promises';
import { printable } from '../../spec/quote.js';
import { documentError } from '../documents/shapes.js';
import { lendPart, streamPart, type FileTree, type TreeFile } from './file-tree.js';
import { walkTar, type TarEntry } from './tar-walk.js';

/** The archive of the largest apps has some 300,000 files; one of an image a few for each layer. */
const mostEntries = 500_000;
/** As many as path_resolution(7) follows, and as long as it takes paths to be. */
const mostLinks = 40;
const longestPath = 4096;

export interface TarTree extends FileTree {
  /** In their order. */
  readonly entries: readonly PlacedEntry[];
  /** The last entry of each place, without those of no place. */
  readonly byPlace: ReadonlyMap<string, PlacedEntry>;
  readonly handle: FileHandle;
  /** Of several of one path the last, as unpacking them leaves it. */
  last(path: string): TreeFile | undefined;
}

/** An entry, and its path as a root sees it: `a/b` for `./a//b/`, empty for the root itself; undefined if it leads out or is too long. */
export interface PlacedEntry extends TarEntry {
  readonly place: string | undefined;
}

/**
 * Takes `handle`, which is closed with the tree, or when this fails.
 *
 * @param name names the archive in errors, quoted
 * @throws ERR_TSRUN_IMAGE
 */
export async function openTarTree(handle: FileHandle, name: string, signal?: AbortSignal): Promise<TarTree> {
  try {
    const entries: PlacedEntry[] = [];
    const byPlace = new Map<string, PlacedEntry>();
    const earlier = new Map<string, PlacedEntry>();
    for await (const entry of walkTar(handle, name)) {
      signal?.throwIfAborted();
      if (entries.length === mostEntries) throw documentError(`${name} has more than ${mostEntries} entries`, 'an image as an archive has a few for each layer');
      const placed = { ...entry, place: placeOf(entry.path) };
      entries.push(placed);
      if (placed.place === undefined || isItself(placed, byPlace)) continue;
      const known = byPlace.get(placed.place);
      if (known !== undefined && !earlier.has(placed.place)) earlier.set(placed.place, known);
      byPlace.set(placed.place, placed);
    }
    return {
      name,
      entries,
      byPlace,
      handle,
      last: (path) => fileOf(resolveEntry(byPlace, path, name).entry, path, handle, name),
      find: async (path) => {
        const { way, entry } = resolveEntry(byPlace, path, name);
        for (const each of way) {
          const first = earlier.get(each.place ?? '');
          if (first !== undefined && !(await isSame(first, each, handle, name))) throw twice(each.path, name);
        }
        return fileOf(entry, path, handle, name);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** GNU tar writes a file that it was told twice as a hard link to itself. Else the last of two entries is the one that tar(1) leaves. */
function isItself({ kind, target, place }: PlacedEntry, byPlace: ReadonlyMap<string, PlacedEntry>): boolean {
  return kind === 'hard link' && place !== undefined && byPlace.has(place) && placeOf(target) === place;
}

async function isSame(one: TarEntry, two: TarEntry, handle: FileHandle, name: string): Promise<boolean> {
  if (one.kind !== two.kind || one.target !== two.target || one.size !== two.size) return false;
  const pieces = lendPart(handle, two.offset, two.offset + two.size, name);
  for await (const piece of lendPart(handle, one.offset, one.offset + one.size, name)) {
    const other: IteratorResult<Buffer, unknown> = await pieces.next();
    if (other.done === true || !piece.equals(other.value)) return false;
  }
  return true;
}

/** What docker would load is not what skopeo and podman would. */
function twice(path: string, name: string): Error {
  return documentError(`'${printable(path, 200)}' stands in ${name} twice, with different contents`, 'what can be read in two ways is refused: docker takes the last, skopeo the first; make the archive anew');
}

/** A path of an archive as a root sees it; undefined if it leads out or is too long. */
export function placeOf(path: string): string | undefined {
  if (path.length > longestPath) return undefined;
  const parts = partsOf(path);
  return parts.includes('..') ? undefined : parts.join('/');
}

/** Components of a path, without those that say nothing. */
function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function fileOf(entry: TarEntry | undefined, path: string, handle: FileHandle, name: string): TreeFile | undefined {
  if (entry === undefined) return undefined;
  const shown = `'${printable(path, 200)}' in ${name}`;
  if (entry.kind !== 'file') throw documentError(`${shown} is a ${entry.kind}, not a regular file`, entry.kind === 'sparse file' ? 'write the archive without --sparse' : undefined);
  const { offset: start, size } = entry;
  const end = start + size;
  return {
    size,
    open: ({ offset, signal }) => Promise.resolve(streamPart(handle, Math.min(start + offset, end), end, shown, signal)),
    lend: ({ offset }) => lendPart(handle, Math.min(start + offset, end), end, shown),
  };
}

interface ResolvedEntry {
  readonly entry: PlacedEntry | undefined;
  /** What stands on the way to it, with it. */
  readonly way: readonly PlacedEntry[];
}

/** Follows links as a process would whose root is the archive: `docker save` once made one of each layer that it had written before. */
function resolveEntry(byPlace: ReadonlyMap<string, PlacedEntry>, path: string, name: string): ResolvedEntry {
  const way: PlacedEntry[] = [];
  let left = partsOf(path);
  let at: string[] = [];
  for (let links = 0; left.length > 0;) {
    const [part = '', ...rest] = left;
    left = rest;
    if (part === '..') {
      at = at.slice(0, -1);
      continue;
    }
    const found = byPlace.get([...at, part].join('/'));
    if (found !== undefined) way.push(found);
    if (found?.kind !== 'symbolic link' && found?.kind !== 'hard link') {
      at = [...at, part];
      continue;
    }
    if (++links > mostLinks || found.target.length > longestPath) throw documentError(`links to '${printable(path, 200)}' in ${name} lead in a circle`);
    if (found.kind === 'hard link' || found.target.startsWith('/')) at = [];
    left = [...partsOf(found.target), ...left];
  }
  return { way, entry: byPlace.get(at.join('/')) };
}
