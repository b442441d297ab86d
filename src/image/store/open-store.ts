/** Opening a store: its folders made, its form known, and what killed processes left taken away. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { Unpack } from '../unpack.js';
import { Blobs } from './blobs.js';
import { removeLeftFiles, writeChecked } from './checked-files.js';
import { storeError } from './faults.js';
import { Layers } from './layers.js';
import { StoreLayout } from './layout.js';
import { Locks, type LockCalls } from './locks.js';
import { pinPrefix } from './pins.js';
import type { StoreParts } from './store-parts.js';

/** Of the form that this version reads and writes. */
const format = 'tsrun image store 1\n';

export interface OpenStoreInput {
  readonly root: string;
  readonly calls: LockCalls;
  readonly unpack: Unpack;
  /** Default: as the caller, who must then own what lies there. */
  readonly removeTree?: ((path: string) => Promise<void>) | undefined;
}

/** @throws ERR_TSRUN_STORE */
export async function openStore({ root, calls, unpack, removeTree = removeAsCaller }: OpenStoreInput): Promise<StoreParts> {
  const layout = new StoreLayout(root);
  try {
    const isKnown = await isStore(layout);
    await (isKnown ? makeUnlessReadOnly(layout) : make(layout));
  } catch (cause) {
    throw await storeError(root, cause);
  }
  const locks = new Locks(layout.locks, calls);
  const blobs = new Blobs(layout, locks);
  const write = async (path: string, value: object) => writeChecked(layout, calls, path, value);
  const layers = new Layers({ layout, locks, blobs, unpack, removeTree, write });
  return { layout, calls, locks, blobs, layers, removeTree, write };
}

/**
 * Whether there is one that this version can read; nothing is made. False where there is nothing, or an empty folder.
 *
 * @throws ERR_TSRUN_STORE for another version's, for a file, and for a folder that holds something else
 */
export async function isStore(layout: StoreLayout): Promise<boolean> {
  try {
    const found = await readFile(layout.format, 'utf8');
    if (found !== format) throw otherFormat(layout, found);
    return true;
  } catch (cause) {
    if (errnoName(cause) === 'ENOTDIR') throw noStore(layout, 'it or a part of its path is no folder');
    if (errnoName(cause) !== 'ENOENT') throw await storeError(layout.format, cause);
  }
  const names = await namesIn(layout.root);
  // Another process was quicker.
  if (names.includes(basename(layout.format))) return isStore(layout);
  checkUnused(layout, names);
  return false;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return [];
    throw await storeError(folder, cause);
  }
}

/** What was begun and not ended has some of a store's folders and no `format` yet; a disk of its own has `lost+found`. */
function checkUnused(layout: StoreLayout, names: readonly string[]): void {
  const own = new Set([...layout.folders.map((path) => relative(layout.root, path)), 'lost+found']);
  const foreign = names.find((name) => !own.has(name) && !name.startsWith('format.'));
  if (foreign !== undefined) throw noStore(layout, `it holds something else, such as ${show(foreign)}`);
}

async function make(layout: StoreLayout): Promise<void> {
  await makeWithParents(layout.root);
  await makeFolders(layout);
  await writeFormat(layout);
}

/** One on a file system that is mounted read-only can be looked at: whoever changes something is told of it then. */
async function makeUnlessReadOnly(layout: StoreLayout): Promise<void> {
  try {
    await makeFolders(layout);
  } catch (cause) {
    if (errnoName(cause) !== 'EROFS') throw cause;
  }
}

async function makeFolders(layout: StoreLayout): Promise<void> {
  for (const folder of layout.folders) await makeFolder(folder);
  accessSync(layout.root, constants.W_OK | constants.X_OK);
}

async function makeWithParents(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) await makeWithParents(dirname(path));
  await makeFolder(path);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    // Another process may have been quicker. A link is followed: somebody may have moved the layers to a larger disk.
    if (errnoName(cause) !== 'EEXIST' || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw cause;
  }
}

async function writeFormat(layout: StoreLayout): Promise<void> {
  // Others may write the same at the same time.
  const temporary = `${layout.format}.${randomBytes(8).toString('hex')}`;
  await writeFile(temporary, format, { mode: 0o600, flush: true });
  await rename(temporary, layout.format);
}

function otherFormat({ root }: StoreLayout, found: string): TsrunError {
  return new TsrunError('ERR_TSRUN_STORE', `the image store ${show(root)} has another form: ${show(found.trim())}`, {
    hint: 'it was written by another version of tsrun; name another folder: --root-dir, TSRUN_IMAGES',
  });
}

function noStore({ root }: StoreLayout, why: string): TsrunError {
  return new TsrunError('ERR_TSRUN_STORE', `${show(root)} is no image store: ${why}`, { hint: 'name a folder that is empty, not there yet, or a store already: --root-dir, TSRUN_IMAGES' });
}

/**
 * What killed processes left in `tmp/`, as far as no live one works on it. Blobs that came in part stay: they are gone on with, and
 * `prune` takes them away.
 */
export async function removeLeftovers(parts: StoreParts, { partialBlobs }: { readonly partialBlobs: boolean }): Promise<void> {
  const { layout, calls, locks, removeTree } = parts;
  const names = await readdir(layout.temporaries);
  await removeLeftFiles(layout, calls, pinPrefix);
  // Files without a name, of a process that was killed before it had taken that away.
  if (partialBlobs) for (const name of names.filter((each) => each.startsWith('source-'))) await rm(layout.temporary(name), { force: true });
  for (const name of names.filter((each) => each.startsWith('layer-') || each.startsWith('gone-') || (partialBlobs && each.startsWith('blob-')))) {
    const lock = await locks.tryExclusive(name);
    if (lock === undefined) continue;
    try {
      await removeTree(layout.temporary(name));
    } finally {
      await lock.release();
    }
  }
}

async function removeAsCaller(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  await rm(path, { recursive: true, force: true });
}
