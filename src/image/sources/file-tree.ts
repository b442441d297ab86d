/** Files by path, whether they lie in a folder or in a tar archive: what layouts and docker-archives are read through. */
import { addAbortSignal, Readable } from 'node:stream';
import type { FileHandle } from 'node:fs/promises';
import { documentError } from '../documents/shapes.js';

export interface TreeFile {
  readonly size: number;
  /** Its bytes from `offset` on. */
  open(options: { readonly offset: number; readonly signal?: AbortSignal | undefined }): Promise<Readable>;
  /** See `OfferedLayer`. */
  lend(options: { readonly offset: number }): AsyncIterable<Buffer>;
}

export interface FileTree {
  /** For people, quoted: `'alpine.tar'`. */
  readonly name: string;
  /**
   * A regular file, links followed.
   *
   * @param path relative, without `..`
   */
  find(path: string): Promise<TreeFile | undefined>;
  close(): Promise<void>;
}

const pieceBytes = 256 * 1024;

/**
 * @param source names the file in errors
 * @throws ERR_TSRUN_IMAGE for a file of more than `mostBytes`
 */
export async function readWhole(file: TreeFile, mostBytes: number, source: string): Promise<Buffer> {
  if (file.size > mostBytes) throw documentError(`${source} has ${file.size} bytes, at most ${mostBytes} are read`);
  return readStart(file, file.size);
}

/** The first bytes, as many as there are of `length`. */
export async function readStart(file: TreeFile, length: number): Promise<Buffer> {
  const start = Buffer.allocUnsafe(Math.min(length, file.size));
  let filled = 0;
  for await (const piece of file.lend({ offset: 0 })) {
    filled += piece.copy(start, filled);
    if (filled === start.length) break;
  }
  return start.subarray(0, filled);
}

/** The pieces of a byte stream, with the type that they have. */
export async function* buffersOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const piece of stream) if (Buffer.isBuffer(piece)) yield piece;
}

/** Bytes `start` to `end` of a file, by pread(2): several streams may read one descriptor. They do not close it. */
export function streamPart(handle: FileHandle, start: number, end: number, source: string, signal?: AbortSignal): Readable {
  const stream = Readable.from(pieces(handle, start, end, source), { objectMode: false, highWaterMark: pieceBytes });
  return signal === undefined ? stream : addAbortSignal(signal, stream);
}

/** The same as pieces, each in memory of its own. */
async function* pieces(handle: FileHandle, start: number, end: number, source: string): AsyncGenerator<Buffer> {
  for await (const piece of lendPart(handle, start, end, source)) yield Buffer.from(piece);
}

/** The same for who looks at one piece after the other: each is valid until the next is asked for. */
export async function* lendPart(handle: FileHandle, start: number, end: number, source: string): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(0, end - start)));
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) throw documentError(`${source} became shorter while it was read`, 'try again when nobody writes to it');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Closes `tree` when each of `count` holders has closed it; each may do so more than once. */
export function shareTree(tree: Pick<FileTree, 'close'>, count: number): (() => Promise<void>)[] {
  let left = count;
  return Array.from({ length: count }, () => {
    let isClosed = false;
    return async () => {
      if (isClosed) return;
      isClosed = true;
      left--;
      if (left === 0) await tree.close();
    };
  });
}
