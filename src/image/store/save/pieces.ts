/** The bytes of blobs on their way out of the store: compared with their digests as they go. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Blobs } from '../blobs.js';
import { digestFrom } from '../../documents/digest.js';
import { checkAborted, damaged } from '../faults.js';

/** Of this many bytes sha256 takes a fraction of a millisecond. */
const pieceBytes = 256 * 1024;

export interface Reading {
  readonly signal?: AbortSignal | undefined;
  readonly onRead?: (doneBytes: number) => void;
}

/** @throws ERR_TSRUN_STORE at the end of a blob that is damaged */
export async function* storedPieces(blobs: Blobs, digest: string, reading: Reading): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const file = await blobs.open(digest);
  try {
    for await (const piece of piecesOf(file, reading)) {
      hash.update(piece);
      yield piece;
    }
  } finally {
    await file.close();
  }
  if (digestFrom(hash) !== digest) throw damaged(blobs.path(digest), 'its bytes have another digest than its name');
}

/** From its start. */
export async function* piecesOf(file: FileHandle, { signal, onRead }: Reading): AsyncGenerator<Buffer> {
  for (let done = 0; ;) {
    checkAborted(signal);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, done);
    if (bytesRead === 0) return;
    done += bytesRead;
    onRead?.(done);
    yield buffer.subarray(0, bytesRead);
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
