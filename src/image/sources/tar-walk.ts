/**
 * The headers of a tar archive that lies in a file, one after the other, without reading what stands between them. Headers are decoded by
 * node-tar; none of the libraries walks a file by offsets (docs/adr/dependencies.md).
 */
import type { FileHandle } from 'node:fs/promises';
import type { Header } from 'tar/header';
import type { Pax } from 'tar/pax';
import { printable } from '../../spec/quote.js';
import { documentError } from '../documents/shapes.js';
import { cutShort, FileWindow } from './file-window.js';

export type TarEntryKind = 'file' | 'directory' | 'hard link' | 'symbolic link' | 'character device' | 'block device' | 'fifo' | 'sparse file' | 'unknown';

export interface TarEntry {
  /** As it is written, which may be anything. */
  readonly path: string;
  readonly kind: TarEntryKind;
  /** Of a link: where it leads. */
  readonly target: string;
  /** Where its content starts in the file. */
  readonly offset: number;
  /** Of its content: 0 but for files. */
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970, whole. */
  readonly mtimeSeconds: number;
}

const block = 512;
/** Of a pax header or a long name: a path has at most 4096 bytes, extended attributes of a file 64 KiB each. */
const mostMetaBytes = 1024 * 1024;

const kinds: ReadonlyMap<string, TarEntryKind> = new Map<string, TarEntryKind>([
  ['0', 'file'], ['7', 'file'], ['1', 'hard link'], ['2', 'symbolic link'], ['3', 'character device'],
  ['4', 'block device'], ['5', 'directory'], ['6', 'fifo'], ['S', 'sparse file'],
]);

/** Of these, a header's size says nothing: no content follows. */
const withoutContent: ReadonlySet<TarEntryKind> = new Set<TarEntryKind>(['directory', 'hard link', 'symbolic link', 'character device', 'block device', 'fifo']);

/** In an extended header: readers do not agree upon where it ends; node-tar cuts it off there, Go refuses it. */
const nameWithNul = /(?:^|\n)\d+ (?:path|linkpath|GNU\.sparse\.name)=[^\n]*\0/;

/** In an extended header: a size that is none, which node-tar passes over. */
const wrongSize = /(?:^|\n)\d+ size=(?!\d+\n)/;

/** Types of headers that say something of the entry after them, or of all entries. */
const isMeta = (header: Header): boolean => 'xXgLKN'.includes(header.typeKey);

/** What headers say of the entry after them. */
interface Pending {
  path?: string | undefined;
  target?: string | undefined;
  size?: number | undefined;
  mtimeSeconds?: number | undefined;
  isSparse?: boolean;
}

/**
 * @param name names the archive in errors, quoted
 * @throws ERR_TSRUN_IMAGE where it is damaged or ends early
 */
export async function* walkTar(handle: FileHandle, name: string): AsyncGenerator<TarEntry> {
  const [{ Header: HeaderType }, { Pax: PaxType }] = await Promise.all([import('tar/header'), import('tar/pax')]);
  const { size: end } = await handle.stat();
  const view = new FileWindow(handle, end, name);
  let pending: Pending = {};
  let last: string | undefined;
  for (let at = 0; at < end;) {
    const header = decode(HeaderType, await view.take(at, block, last), at, name, last);
    if (header.nullBlock) return;
    const content = at + block;
    const path = pending.path ?? header.path ?? '';
    const size = sizeOf(header, pending);
    if (size === undefined) throw damaged(name, at, `a header without a size, of '${printable(path, 200)}'`);
    if (content + size > end) throw cutShort(name, path);
    at = content + Math.ceil(size / block) * block;
    if (isMeta(header)) {
      if (size > mostMetaBytes) throw damaged(name, content - block, `an extended header of ${size} bytes, '${printable(path, 200)}'`);
      const body = await view.take(content, size);
      readMeta(header.typeKey, body, PaxType, pending);
      if (header.typeKey !== 'L' && header.typeKey !== 'K' && body.includes(0) && nameWithNul.test(body.toString('latin1'))) throw damaged(name, content - block, `a name that holds a NUL, for '${printable(pending.path ?? path, 200)}'`);
      continue;
    }
    yield entryOf(header, pending, content, size);
    last = path;
    pending = {};
  }
}

/** Does a file start with a header of tar? What comes later may be damaged all the same. */
export async function startsLikeTar(handle: FileHandle): Promise<boolean> {
  const { Header: HeaderType } = await import('tar/header');
  const start = Buffer.alloc(block);
  const { bytesRead } = await handle.read(start, 0, block, 0);
  if (bytesRead < block) return false;
  try {
    return new HeaderType(start).cksumValid;
  } catch {
    return false;
  }
}

/** @param last what stands before it */
function decode(type: typeof Header, bytes: Buffer, at: number, name: string, last: string | undefined): Header {
  const behind = last === undefined ? '' : `, behind '${printable(last, 200)}'`;
  let header: Header;
  try {
    header = new type(bytes);
  } catch (cause) {
    throw damaged(name, at, `a header with a number that is none${behind}`, cause);
  }
  if (!header.cksumValid && !header.nullBlock) throw damaged(name, at, `a header whose checksum is wrong${behind}`);
  return header;
}

/** Where the next header stands: a reader that takes another size would see other files in the same archive. */
function sizeOf(header: Header, pending: Pending): number | undefined {
  if (withoutContent.has(kinds.get(header.typeKey) ?? 'unknown')) return 0;
  const size = isMeta(header) ? header.size : (pending.size ?? header.size);
  return size !== undefined && Number.isSafeInteger(size) ? size : undefined;
}

/** A pax header wins over GNU's long names, in whatever order they stand. Global ones are comments, in what tools write. */
function readMeta(type: string, body: Buffer, reader: typeof Pax, pending: Pending): void {
  if (type === 'x' || type === 'X') readPax(reader.parse(body.toString()), body, pending);
  else if (type === 'K') pending.target ??= untilNul(body);
  else if (type !== 'g') pending.path ??= untilNul(body);
}

function readPax(pax: Pax, body: Buffer, pending: Pending): void {
  if (pax.path !== undefined) pending.path = pax.path;
  if (pax.linkpath !== undefined) pending.target = pax.linkpath;
  if (pax.size !== undefined) pending.size = pax.size;
  if (wrongSize.test(body.toString('latin1'))) pending.size = Number.NaN;
  if (pax.mtime !== undefined) pending.mtimeSeconds = wholeSeconds(pax.mtime);
  if (!body.includes(' GNU.sparse.')) return;
  pending.isSparse = true;
  // The header's own name is one that tells other readers what it is.
  const [, sparsePath] = / GNU\.sparse\.name=([^\n]*)\n/.exec(body.toString()) ?? [];
  if (sparsePath !== undefined) pending.path = sparsePath;
}

function entryOf(header: Header, pending: Pending, offset: number, size: number): TarEntry {
  const kind = pending.isSparse === true ? 'sparse file' : (kinds.get(header.typeKey) ?? 'unknown');
  return {
    path: pending.path ?? header.path ?? '',
    kind,
    target: pending.target ?? header.linkpath ?? '',
    offset,
    size,
    mode: (header.mode ?? 0) & 0o7777,
    mtimeSeconds: pending.mtimeSeconds ?? wholeSeconds(header.mtime),
  };
}

function wholeSeconds(time: Date | undefined): number {
  const seconds = Math.floor((time?.getTime() ?? 0) / 1000);
  return Number.isSafeInteger(seconds) ? seconds : 0;
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('utf8', 0, end < 0 ? body.length : end);
}

function damaged(name: string, at: number, what: string, cause?: unknown): Error {
  return documentError(`${name} is no tar archive, or a damaged one: at byte ${at} stands ${what}`, 'get it anew', cause);
}
