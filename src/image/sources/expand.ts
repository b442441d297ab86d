/** Archives that are compressed as a whole: expanded into a file without a name, since layers are read where they stand. */
import type { FileHandle } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { documentError } from '../documents/shapes.js';
import { streamPart } from './file-tree.js';
import { openTemporaryFile, writeFrom } from './temporary-file.js';
import type { SourceOptions } from './source-options.js';

export type Packing = 'gzip' | 'zstd' | 'xz' | 'bzip2';

const magics: readonly (readonly [Packing, magic: Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
];

/** As many first bytes as `packingOf` looks at. */
export const magicBytes = 6;
/** Small archives may be packed as well as they like. */
const freeBytes = 10 * 1024 * 1024;

/** What packed a file, by its first bytes; undefined: nothing that is known here. */
export function packingOf(start: Buffer): Packing | undefined {
  // RFC 8878, 3.1.2: a frame to be skipped may come first; pzstd writes one.
  if (start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) === 0x184d2a50) return 'zstd';
  return magics.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0];
}

export type ExpandOptions = Pick<SourceOptions, 'temporaryFolder' | 'expand' | 'limits' | 'signal'>;

/**
 * A file as it is, or what it was packed from, in a file without a name. Takes `handle`.
 *
 * @param name names the file in errors, quoted
 * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE
 */
export async function openPlain(handle: FileHandle, name: string, options: ExpandOptions): Promise<FileHandle> {
  try {
    const packing = packingOf(await readFirst(handle, magicBytes));
    if (packing === undefined) return handle;
    const plain = await expandFile(handle, packing, name, options);
    await handle.close();
    return plain;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The same where it is known how the file is packed; `handle` stays the caller's, and must stand at its start. */
export async function expandFile(handle: FileHandle, packing: Packing, name: string, options: ExpandOptions): Promise<FileHandle> {
  const plain = await openTemporaryFile(options.temporaryFolder);
  try {
    if (packing === 'gzip') await gunzip(handle, plain, name, options);
    else await options.expand(handle.fd, plain.fd, options.signal);
    return plain;
  } catch (error) {
    await plain.close();
    throw error;
  }
}

export async function readFirst(handle: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

async function gunzip(source: FileHandle, destination: FileHandle, name: string, { temporaryFolder, limits, signal }: ExpandOptions): Promise<void> {
  const { size } = await source.stat();
  const limiter = new Limiter(Math.min(limits.bytes, Math.max(freeBytes, size * limits.ratio)), name);
  const write = (pieces: AsyncIterable<Buffer>): Promise<void> => writeFrom(pieces, destination, temporaryFolder);
  try {
    await pipeline(streamPart(source, 0, size, name), createGunzip({ chunkSize: 256 * 1024 }), limiter, write, { signal });
  } catch (cause) {
    const errno = errnoName(cause);
    if (errno?.startsWith('Z_') !== true || TsrunError.is(cause)) throw cause;
    throw documentError(`${name} is damaged: gzip says '${String(cause)}'`, 'get it anew: its copy or download did not end well', cause);
  }
}

/** Lets so many bytes through and no more: a megabyte of gzip may hold a gigabyte. */
class Limiter extends Transform {
  readonly #most: number;
  readonly #name: string;
  #found = 0;

  constructor(most: number, name: string) {
    super();
    [this.#most, this.#name] = [most, name];
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#found += piece.length;
    if (this.#found > this.#most) done(documentError(`${this.#name} expands to more than ${this.#most} bytes`, 'that is beyond the limits: unpack it yourself if you trust it'));
    else done(null, piece);
  }
}
