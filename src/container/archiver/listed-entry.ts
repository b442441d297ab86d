/** What `list` tells of each entry of a tree. */
import { TsrunError } from '../../spec/errors.js';

/** `whiteout` is overlayfs's: the name is taken away from the layers below. */
export type EntryType = 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'block' | 'character' | 'whiteout';

export interface ListedEntry {
  /** From where the walk began, byte by byte; empty for that itself. Each folder comes before what is in it, names in the order of their bytes. */
  readonly path: Buffer;
  readonly type: EntryType;
  /** The lower twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** 0 but for files. */
  readonly size: number;
  /** Seconds since 1970 (below 0 before), and nanoseconds on top. */
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** `major:minor`. */
  readonly device?: string;
  /** The same for all names of one file; absent where it has but one. */
  readonly inode?: string;
  readonly linkTarget?: Buffer;
  /** `sha256:…` of all extended attributes that layers keep; absent without any. */
  readonly xattrs?: string;
  /** What the layers below have in this folder is hidden. */
  readonly opaque: boolean;
  /** `sha256:…` of a file's content, if it was asked for; absent for one that cannot be read. */
  readonly content?: string;
}

const fieldCount = 14;
const types: ReadonlySet<string> = new Set(['file', 'folder', 'link', 'pipe', 'socket', 'block', 'character', 'whiteout']);

function isType(text: string): text is EntryType {
  return types.has(text);
}

/** Fields that end with a NUL each, in pieces as they come. */
export class EntryReader {
  #rest = Buffer.alloc(0);
  #fields: Buffer[] = [];

  *take(chunk: Buffer): Generator<ListedEntry> {
    let at = 0;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, at)) {
      this.#fields.push(bytes.subarray(at, end));
      at = end + 1;
      if (this.#fields.length < fieldCount) continue;
      yield entryOf(this.#fields);
      this.#fields = [];
    }
    // A copy: what a stream gives it may use again.
    this.#rest = Buffer.from(bytes.subarray(at));
    this.#fields = this.#fields.map((field) => Buffer.from(field));
  }
}

function entryOf(fields: readonly Buffer[]): ListedEntry {
  const [path, typeField, mode, uid, gid, size, seconds, nanoseconds, device, inode, link, xattrs, opaque, content] = fields;
  const type = text(typeField);
  if (path === undefined || link === undefined || !isType(type)) throw new TsrunError('ERR_TSRUN_IMAGE', 'the program that lists the tree said something else');
  return {
    path: Buffer.from(path),
    type,
    mode: number(mode),
    uid: number(uid),
    gid: number(gid),
    size: number(size),
    mtime: { seconds: number(seconds), nanoseconds: number(nanoseconds) },
    ...(text(device) !== '' && { device: text(device) }),
    ...(text(inode) !== '' && { inode: text(inode) }),
    ...(type === 'link' && { linkTarget: Buffer.from(link) }),
    ...(text(xattrs) !== '' && { xattrs: text(xattrs) }),
    opaque: text(opaque) === 'opaque',
    ...(text(content) !== '' && { content: text(content) }),
  };
}

function text(field: Buffer | undefined): string {
  return field?.toString('latin1') ?? '';
}

function number(field: Buffer | undefined): number {
  return Number(text(field));
}
