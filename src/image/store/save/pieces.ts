/** The bytes of blobs on their way out of the store: compared with their digests as they go. */
import { createHash } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import type { Blobs } from '../blobs.js';
import { digestFrom } from '../digest.js';
import { checkAborted, damaged } from '../faults.js';

/** Of this many bytes sha256 takes a fraction of a millisecond. */
const pieceBytes = 256 * 1024;

export interface Reading {
  readonly blobs: Blobs;
  readonly digest: string;
  readonly signal?: AbortSignal | undefined;
  readonly onRead?: (doneBytes: number) => void;
}

/** @throws ERR_TSRUN_STORE at the end of a blob that is damaged */
export async function* storedPieces({ blobs, digest, signal, onRead }: Reading): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let done = 0;
  const file = await blobs.open(digest);
  for await (const piece of file.createReadStream({ highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    checkAborted(signal);
    hash.update(piece);
    done += piece.length;
    onRead?.(done);
    yield piece;
  }
  if (digestFrom(hash) !== digest) throw damaged(blobs.path(digest), 'its bytes have another digest than its name');
}

export async function* gunzipped(reading: Reading): AsyncGenerator<Buffer> {
  const expand = createGunzip({ chunkSize: pieceBytes });
  const feeding = feed(storedPieces(reading), expand);
  feeding.catch((error: unknown) => { expand.destroy(error instanceof Error ? error : undefined); });
  for await (const piece of expand as AsyncIterable<Buffer>) yield piece;
  await feeding;
}

async function feed(pieces: AsyncIterable<Buffer>, sink: NodeJS.WritableStream): Promise<void> {
  for await (const piece of pieces) {
    if (!sink.write(piece)) await new Promise<void>((resolve) => { sink.once('drain', resolve).once('close', resolve); });
  }
  sink.end();
}

const magics: readonly (readonly [magic: string, 'gzip' | 'other'])[] = [['\x1f\x8b', 'gzip'], ['\x28\xb5\x2f\xfd', 'other'], ['\xfd7zXZ\0', 'other'], ['BZh', 'other']];

/** By the first bytes: a media type says what its author believed. */
export async function compressionOf(blobs: Blobs, digest: string): Promise<'none' | 'gzip' | 'other'> {
  const file = await blobs.open(digest);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
    const start = buffer.subarray(0, bytesRead).toString('latin1');
    return magics.find(([magic]) => start.startsWith(magic))?.[1] ?? 'none';
  } finally {
    await file.close();
  }
}

/** How many bytes come, and what their digest is. */
export async function measure(pieces: AsyncIterable<Buffer>): Promise<{ readonly size: number; readonly digest: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, digest: digestFrom(hash) };
}
