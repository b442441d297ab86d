/**
 * A slug's entries as a layer: below /app, owned by the dyno's user, in a form that depends on nothing else, so that the same slug makes
 * the same bytes. They are not written anywhere: each reader gets them made anew from the slug.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Header } from 'tar/header';
import type { Pax } from 'tar/pax';
import { printable } from '../../spec/quote.js';
import type { OfferedLayer } from '../offer.js';
import { layerType } from '../documents/media-types.js';
import { documentError } from '../documents/shapes.js';
import { FileWindow, windowBytes } from './file-window.js';
import { pieces } from './file-tree.js';
import { partsOf, type TarTree } from './tar-tree.js';
import type { TarEntry } from './tar-walk.js';

/** heroku-24's user; a slug's files belong to whom they run as. */
export const slugUser = { uid: 1000, gid: 1000 } as const;

/** Where slugs lie in a dyno, and the folder that Heroku's own are packed with. */
export const appFolder = 'app';

const block = 512;

interface LayerEntry extends TarEntry {
  /** Without a slash at its end. */
  readonly path: string;
}

/** Are the files below `./app`, as Heroku packs them, or at the archive's top, as herokuish does? */
export function isPackedInApp({ entries }: TarTree): boolean {
  const tops = new Set(entries.flatMap(({ path }) => partsOf(path).slice(0, 1)));
  if (!tops.has(appFolder)) return false;
  const paths = new Set(entries.map(({ path }) => partsOf(path).join('/')));
  // Rails has a folder app/ of its own, without a Procfile.
  return tops.size === 1 || (paths.has(`${appFolder}/Procfile`) && !paths.has('Procfile'));
}

/** @throws ERR_TSRUN_IMAGE with the name of the entry that cannot be in a slug */
export async function openSlugLayer(tree: TarTree, isInApp: boolean, signal: AbortSignal | undefined): Promise<OfferedLayer> {
  const entries = withFolders(placed(tree, isInApp));
  const encode = await loadEncoder();
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of together(layerBytes(tree, entries, encode, 0))) {
    signal?.throwIfAborted();
    hash.update(piece);
    size += piece.length;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  return {
    descriptor: { mediaType: layerType('none'), digest, size },
    diffId: digest,
    open: ({ offset, signal: stop }) => Promise.resolve(Readable.from(together(layerBytes(tree, entries, encode, offset)), { objectMode: false, highWaterMark: windowBytes, signal: stop })),
  };
}

/** The entries that count, where they belong. */
function placed(tree: TarTree, isInApp: boolean): LayerEntry[] {
  const found: LayerEntry[] = [];
  for (const entry of tree.entries) {
    const path = placeOf(entry.path, isInApp, tree.name);
    if (path === undefined) continue;
    refuseUnfit(entry, tree.name);
    if (path === appFolder && entry.kind !== 'directory') throw unfit(entry.path, tree.name, `is a ${entry.kind}, where the folder of the app must be`);
    const target = entry.kind === 'hard link' ? targetOf(entry, isInApp, tree.name) : entry.target;
    // GNU tar writes a file that it was told twice as a hard link to itself.
    if (entry.kind !== 'hard link' || target !== path) found.push({ ...entry, path, target });
  }
  const names = new Set(found.filter(({ kind }) => kind !== 'directory').map(({ path }) => path));
  const lost = found.find(({ kind, target }) => kind === 'hard link' && !names.has(target));
  if (lost !== undefined) throw unfit(lost.path, tree.name, `is a hard link to '${printable(lost.target, 200)}', which is no file of the slug`);
  return found;
}

function placeOf(path: string, isInApp: boolean, name: string): string | undefined {
  const parts = partsOf(path);
  if (parts.includes('..')) throw unfit(path, name, "leads out of the archive by '..'");
  if (!isInApp) return [appFolder, ...parts].join('/');
  return parts[0] === appFolder ? parts.join('/') : undefined;
}

/** Symbolic links are followed in the container, whose root they cannot leave: Java's lead to the stack's certificates. */
function targetOf({ path, target }: TarEntry, isInApp: boolean, name: string): string {
  const place = placeOf(target, isInApp, name);
  if (place === undefined) throw unfit(path, name, `is a hard link out of the slug, to '${printable(target, 200)}'`);
  return place;
}

function refuseUnfit({ kind, path, target }: TarEntry, name: string): void {
  if (!['file', 'directory', 'hard link', 'symbolic link'].includes(kind)) throw unfit(path, name, `is ${kind === 'unknown' ? 'of an unknown kind' : `a ${kind}`}`);
  // What the decoder puts in the place of bytes that are no UTF-8: the name would be another one.
  if (path.includes('\ufffd') || target.includes('\ufffd')) throw unfit(path, name, 'has a name that is not UTF-8');
}

function unfit(path: string, name: string, what: string): Error {
  return documentError(`'${printable(path, 200)}' in the slug ${name} ${what}`, 'a slug holds files, folders, and links among them');
}

/** Every folder before what is in it: a layer without them would depend on what lies below. */
function withFolders(entries: readonly LayerEntry[]): LayerEntry[] {
  const top = entries.find(({ path, kind }) => path === appFolder && kind === 'directory');
  const folder = (path: string): LayerEntry => ({ path, kind: 'directory', target: '', offset: 0, size: 0, mode: 0o755, mtimeSeconds: 0 });
  const all = [top ?? folder(appFolder)];
  const known = new Set([appFolder]);
  for (const entry of entries) {
    if (entry === top) continue;
    const parts = entry.path.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (!known.has(parent)) all.push(folder(parent));
      known.add(parent);
    }
    all.push(entry);
    known.add(entry.path);
  }
  return all;
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
  const bytes = Buffer.alloc(block);
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
    else yield* pieces(tree.handle, start, end, tree.name);
    yield* rest(Buffer.alloc((block - (entry.size % block)) % block));
  }
  yield* rest(Buffer.alloc(2 * block));
}

/** A slug has tens of thousands of small files: their bytes in larger pieces. */
async function* together(small: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for await (const piece of small) {
    gathered.push(piece);
    bytes += piece.length;
    if (bytes < windowBytes) continue;
    yield gathered.length === 1 ? piece : Buffer.concat(gathered, bytes);
    [gathered, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(gathered, bytes);
}
