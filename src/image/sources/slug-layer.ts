/**
 * A slug's entries as a layer: below /app, owned by the dyno's user, in a form that depends on nothing else, so that the same slug makes
 * the same bytes. They are not written anywhere: each reader gets them made anew from the slug.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Header } from 'tar/header';
import type { Pax } from 'tar/pax';
import { printable } from '../../spec/quote.js';
import type { OfferedLayer } from '../offer.js';
import { digestFrom } from '../documents/digest.js';
import { layerType } from '../documents/media-types.js';
import { documentError } from '../documents/shapes.js';
import { FileWindow, windowBytes } from './file-window.js';
import { lendPart } from './file-tree.js';
import { placeOf, type PlacedEntry, type TarTree } from './tar-tree.js';
import type { TarEntry } from './tar-walk.js';

/** heroku-24's user; a slug's files belong to whom they run as. */
export const slugUser = { uid: 1000, gid: 1000 } as const;

/** Where slugs lie in a dyno, and the folder that Heroku's own are packed with. */
export const appFolder = 'app';

const block = 512;
const zeros = Buffer.alloc(2 * block);
const fit: ReadonlySet<string> = new Set(['file', 'directory', 'hard link', 'symbolic link']);

/** layer.md of image-spec, "Whiteouts". */
const whiteoutPrefix = '.wh.';

/** With its path in the layer, without a slash at its end, and a hard link's target there. */
type LayerEntry = Pick<TarEntry, 'kind' | 'path' | 'target' | 'offset' | 'size' | 'mode' | 'mtimeSeconds'>;

/** So many entries are looked at in one turn of the event loop. */
const entriesAtOnce = 256;

/** Are the files below `./app`, as Heroku packs them, or at the archive's top, as herokuish does? */
export function isPackedInApp({ entries, byPlace }: TarTree): boolean {
  const isBelow = ({ place }: PlacedEntry): boolean => place === '' || place === appFolder || place?.startsWith(`${appFolder}/`) === true;
  // Rails has a folder app/ of its own, without a Procfile.
  if (byPlace.has(`${appFolder}/Procfile`) && !byPlace.has('Procfile')) return true;
  return entries.some(({ place }) => place !== '') && entries.every(isBelow);
}

/** @throws ERR_TSRUN_IMAGE with the name of the entry that cannot be in a slug */
export async function openSlugLayer(tree: TarTree, isInApp: boolean, signal: AbortSignal | undefined): Promise<OfferedLayer> {
  const entries = await layerEntries(tree, isInApp, signal);
  const encode = await loadEncoder();
  const hash = createHash('sha256');
  let size = 0;
  const lend = ({ offset }: { readonly offset: number }) => together(layerBytes(tree, entries, encode, offset));
  for await (const piece of lend({ offset: 0 })) {
    signal?.throwIfAborted();
    hash.update(piece);
    size += piece.length;
  }
  const digest = digestFrom(hash);
  return {
    descriptor: { mediaType: layerType('none'), digest, size },
    diffId: digest,
    open: ({ offset, signal: stop }) => Promise.resolve(Readable.from(copies(lend({ offset })), { objectMode: false, highWaterMark: windowBytes, signal: stop })),
    lend,
  };
}

/** The entries that count, where they belong, each folder before what is in it: a layer without them would depend on what lies below. */
async function layerEntries(tree: TarTree, isInApp: boolean, signal: AbortSignal | undefined): Promise<LayerEntry[]> {
  const top = tree.byPlace.get(isInApp ? appFolder : '');
  const found: LayerEntry[] = [top?.kind === 'directory' ? { ...top, path: appFolder } : newFolder(appFolder)];
  const known = new Set([appFolder]);
  const files = new Set<string>();
  for (const [index, entry] of tree.entries.entries()) {
    if (index % entriesAtOnce === 0) await setImmediate(undefined, { signal });
    const path = pathInLayer(entry.place, entry, isInApp, tree.name);
    if (path === undefined) continue;
    refuseUnfit(entry, tree.name);
    if (path === appFolder) {
      if (entry.kind !== 'directory') throw unfit(entry, tree.name, `is a ${entry.kind}, where the folder of the app must be`);
      continue;
    }
    if (path.split('/').some((part) => part.startsWith(whiteoutPrefix))) throw unfit(entry, tree.name, `has a name that begins with ${whiteoutPrefix}, which in a layer is something taken away`);
    const target = entry.kind === 'hard link' ? targetInLayer(entry, isInApp, tree.name) : entry.target;
    if (entry.kind === 'hard link' && target === path) continue; // Of a file that GNU tar was told twice.
    if (entry.kind === 'hard link' && !files.has(target)) throw unfit(entry, tree.name, `is a hard link to '${printable(target, 200)}', which is no file before it`);
    for (const parent of missingFolders(path, known)) found.push(newFolder(parent));
    found.push({ ...entry, path, target });
    known.add(path);
    if (entry.kind !== 'directory') files.add(path);
  }
  return found;
}

function newFolder(path: string): LayerEntry {
  return { path, kind: 'directory', target: '', offset: 0, size: 0, mode: 0o755, mtimeSeconds: 0 };
}

/** The highest first; they are known from now on. */
function missingFolders(path: string, known: Set<string>): string[] {
  const missing: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0 && !known.has(path.slice(0, end)); end = path.lastIndexOf('/', end - 1)) missing.unshift(path.slice(0, end));
  for (const folder of missing) known.add(folder);
  return missing;
}

function pathInLayer(place: string | undefined, entry: TarEntry, isInApp: boolean, name: string): string | undefined {
  if (place === undefined) throw unfit(entry, name, "leads out of the archive by '..', or has a path that is too long");
  if (!isInApp) return place === '' ? appFolder : `${appFolder}/${place}`;
  return place === appFolder || place.startsWith(`${appFolder}/`) ? place : undefined;
}

/** Symbolic links are followed in the container, whose root they cannot leave: Java's lead to the stack's certificates. */
function targetInLayer(entry: TarEntry, isInApp: boolean, name: string): string {
  const path = pathInLayer(placeOf(entry.target), entry, isInApp, name);
  if (path === undefined) throw unfit(entry, name, `is a hard link out of the slug, to '${printable(entry.target, 200)}'`);
  return path;
}

function refuseUnfit(entry: TarEntry, name: string): void {
  const { kind, path, target } = entry;
  if (!fit.has(kind)) throw unfit(entry, name, `is ${kind === 'unknown' ? 'of an unknown kind' : `a ${kind}`}`);
  // What the decoder puts in the place of bytes that are no UTF-8: the name would be another one.
  if (path.includes('\ufffd') || target.includes('\ufffd')) throw unfit(entry, name, 'has a name that is not UTF-8');
}

function unfit({ path }: TarEntry, name: string, what: string): Error {
  return documentError(`'${printable(path, 200)}' in the slug ${name} ${what}`, 'a slug holds files, folders, and links among them');
}

type Encode = (entry: LayerEntry) => Buffer;

async function loadEncoder(): Promise<Encode> {
  const [{ Header: HeaderType }, { Pax: PaxType }] = await Promise.all([import('tar/header'), import('tar/pax')]);
  return (entry) => encodeHeader(HeaderType, PaxType, entry);
}

const types = { directory: 'Directory', 'hard link': 'Link', 'symbolic link': 'SymbolicLink' } as const;

function encodeHeader(header: typeof Header, pax: typeof Pax, { kind, path, target, mode, mtimeSeconds, size }: LayerEntry): Buffer {
  const type = kind === 'directory' || kind === 'hard link' || kind === 'symbolic link' ? types[kind] : 'File';
  const data = { path: type === 'Directory' ? `${path}/` : path, linkpath: target, type, mode, size, mtime: new Date(Math.max(0, mtimeSeconds) * 1000), ...slugUser, uname: '', gname: '' } as const;
  const bytes = Buffer.allocUnsafe(block).fill(0);
  if (!new header(data).encode(bytes)) return bytes;
  return Buffer.concat([new pax({ path: data.path, ...(target !== '' && { linkpath: target }), size }).encode(), bytes]);
}

async function* layerBytes(tree: TarTree, entries: readonly LayerEntry[], encode: Encode, offset: number): AsyncGenerator<Buffer> {
  const view = new FileWindow(tree.handle, (await tree.handle.stat()).size, tree.name);
  let skip = offset;
  const rest = function* (bytes: Buffer): Generator<Buffer> {
    const cut = Math.min(skip, bytes.length);
    skip -= cut;
    if (cut < bytes.length) yield bytes.subarray(cut);
  };
  for (const entry of entries) {
    yield* rest(encode(entry));
    const cut = Math.min(skip, entry.size);
    skip -= cut;
    const [start, end] = [entry.offset + cut, entry.offset + entry.size];
    if (start < end && end - start <= windowBytes / 2) yield* rest(await view.take(start, end - start));
    else yield* lendPart(tree.handle, start, end, tree.name);
    yield* rest(zeros.subarray(0, (block - (entry.size % block)) % block));
  }
  yield* rest(zeros);
}

/** A slug has tens of thousands of small files: their bytes in larger pieces, each valid until the next is asked for. */
async function* together(small: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gathered = Buffer.allocUnsafe(windowBytes);
  let used = 0;
  for await (const piece of small) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.copy(gathered, used, at);
      at += taken;
      used += taken;
      if (used < windowBytes) continue;
      yield gathered;
      used = 0;
    }
  }
  if (used > 0) yield gathered.subarray(0, used);
}

async function* copies(lent: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of lent) yield Buffer.from(piece);
}
