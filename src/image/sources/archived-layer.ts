/** A layer of a docker-archive: nothing says how it is packed, nor what the digest of its bytes is. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { OfferedLayer } from '../offer.js';
import { digestFrom } from '../documents/digest.js';
import { layerType, type Compression } from '../documents/media-types.js';
import { expandFile, magicBytes, packingOf, type ExpandOptions, type Packing } from './expand.js';
import { buffersOf, lendPart, readStart, streamPart, type TreeFile } from './file-tree.js';
import { openTemporaryFile, writeFrom } from './temporary-file.js';

export interface ArchivedLayer {
  readonly layer: OfferedLayer;
  /** Where it had to be expanded: to be closed with the image. */
  readonly handle?: FileHandle;
}

/** @param source names it in errors */
export async function openArchivedLayer(file: TreeFile, diffId: string, source: string, options: ExpandOptions): Promise<ArchivedLayer> {
  const packing = packingOf(await readStart(file, magicBytes));
  // Plain: its digest is the diff id, or the archive is damaged; whoever reads it finds out.
  if (packing === undefined) return { layer: offer(file, 'none', diffId, diffId) };
  if (packing === 'gzip' || packing === 'zstd') return { layer: offer(file, packing, await digestOfFile(file, options.signal), diffId) };
  const handle = await expandPart(file, packing, source, options);
  const { size } = await handle.stat();
  const plain: TreeFile = {
    size,
    open: ({ offset, signal: stop }) => Promise.resolve(streamPart(handle, Math.min(offset, size), size, source, stop)),
    lend: ({ offset }) => lendPart(handle, Math.min(offset, size), size, source),
  };
  return { layer: offer(plain, 'none', diffId, diffId), handle };
}

function offer(file: TreeFile, compression: Compression, digest: string, diffId: string): OfferedLayer {
  return { descriptor: { mediaType: layerType(compression), digest, size: file.size }, diffId, open: (options) => file.open(options), lend: (options) => file.lend(options) };
}

async function digestOfFile(file: TreeFile, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.lend({ offset: 0 })) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  return digestFrom(hash);
}

/** There is no media type for these; and what expands them reads a file to its end. */
async function expandPart(file: TreeFile, packing: Packing, source: string, options: ExpandOptions): Promise<FileHandle> {
  const packed = await openTemporaryFile(options.temporaryFolder);
  try {
    await writeFrom(buffersOf(await file.open({ offset: 0, signal: options.signal })), packed, options.temporaryFolder);
    return await expandFile(packed, packing, source, options);
  } finally {
    await packed.close();
  }
}
