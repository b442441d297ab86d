/** Walks the unpacked layers of an image, to tell what each of them changes. Nothing is followed, and nothing but names and sizes is read. */
import { lstat, readdir } from 'node:fs/promises';
import { TsrunError } from '../spec/errors.js';
import { errnoName } from '../spec/errno.js';
import { printable } from '../spec/quote.js';
import type { ImageChanges } from './image-types.js';
import { LayerComparison, type LayerEntry, type OpenFolder } from './layer-comparison.js';
import { isWhiteout, type IsOpaque } from './layered-files.js';

/** Files that are looked at at once: the threads of libuv are four. */
const mostAtOnce = 32;

/**
 * @param layers folders, the lowest first
 * @throws ERR_TSRUN_STORE for one that cannot be read; ERR_TSRUN_ABORTED
 */
export async function readLayerChanges(layers: readonly string[], isOpaque: IsOpaque, signal?: AbortSignal): Promise<ImageChanges> {
  const comparison = new LayerComparison();
  for (const layer of layers) await layFolder(comparison, layer, { isOpaque, signal });
  return comparison.finish();
}

/** What an owner on disk is called elsewhere. */
export interface Owners {
  uid(id: number): number;
  gid(id: number): number;
}

const asTheyAre: Owners = { uid: (id) => id, gid: (id) => id };

/** Mode and owner, as `LayerEntry` has them. */
export function attributesOf({ mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number }, owners: Owners): string {
  return `${mode & 0o7777}:${owners.uid(uid)}:${owners.gid(gid)}`;
}

export interface LayWays {
  readonly isOpaque: IsOpaque;
  readonly signal?: AbortSignal | undefined;
  /** How owners are told. Default: as they lie there. */
  readonly owners?: Owners;
  /** Whether a folder, by its path from the root of the layer on (`/a/b`, a character for each byte), is gone into. Default: each is. */
  readonly wants?: (path: string) => boolean;
}

/**
 * Lays a layer, as it lies unpacked, over those before it.
 *
 * @throws as `readLayerChanges`
 */
export async function layFolder(comparison: LayerComparison, layer: string, { isOpaque, signal, owners = asTheyAre, wants = () => true }: LayWays): Promise<void> {
  comparison.begin();
  const left: (OpenFolder & { readonly place: Buffer; readonly inner: string })[] = [{ node: comparison.root, opaque: false, place: Buffer.from(layer), inner: '' }];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    if (signal?.aborted === true) throw new TsrunError('ERR_TSRUN_ABORTED', 'the comparison of layers was aborted', { cause: signal.reason });
    const { place, inner, opaque } = folder;
    const listed = await list(place, owners);
    const folders = comparison.lay(folder, listed.map(({ entry }) => entry));
    for (const { entry, path } of listed) {
      const node = folders.get(entry.key);
      // What is hidden above is hidden below as well.
      if (node !== undefined && wants(`${inner}/${entry.key}`)) left.push({ node, place: path, inner: `${inner}/${entry.key}`, opaque: opaque || isOpaque(path.toString()) });
    }
  }
}

interface Listed {
  readonly entry: LayerEntry;
  readonly path: Buffer;
}

async function list(folder: Buffer, owners: Owners): Promise<Listed[]> {
  try {
    const names = (await readdir(folder, { encoding: 'buffer' })).sort((a, b) => a.compare(b));
    const listed: Listed[] = [];
    for (let start = 0; start < names.length; start += mostAtOnce) {
      listed.push(...await Promise.all(names.slice(start, start + mostAtOnce).map((name) => look(folder, name, owners))));
    }
    return listed;
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_STORE', `the layer's folder '${printable(folder.toString(), 400)}' cannot be read: ${errnoName(cause) ?? String(cause)}`, {
      hint: 'is the store whole, and may you read it?', cause,
    });
  }
}

async function look(folder: Buffer, name: Buffer, owners: Owners): Promise<Listed> {
  const path = Buffer.concat([folder, Buffer.from('/'), name]);
  const status = await lstat(path);
  const isFile = status.isFile();
  const kind = status.isDirectory() ? 'folder' : isFile ? 'file' : isWhiteout(status) ? 'whiteout' : 'other';
  return {
    path,
    entry: {
      key: name.toString('latin1'),
      name: name.toString(),
      kind,
      bytes: isFile ? status.size : 0,
      ...(isFile && status.nlink > 1 && { inode: `${status.dev}:${status.ino}` }),
      attributes: attributesOf(status, owners),
    },
  };
}
