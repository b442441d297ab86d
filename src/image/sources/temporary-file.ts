/** Files without a name, for what must lie somewhere while it is read: they are gone with their descriptor, however that comes. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';

/** open(2): O_TMPFILE, which Node has no word for. Whoever is killed then leaves nothing, not even in the moment before an unlink. */
const unnamed = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR;

/** @throws ERR_TSRUN_STORE */
export async function openTemporaryFile(folder: string): Promise<FileHandle> {
  try {
    return await open(folder, unnamed, 0o600).catch(async (cause: unknown) => {
      // EOPNOTSUPP, in libuv's words, of file systems that have no such files: vfat, 9p.
      if (errnoName(cause) === 'ENOTSUP') return openUnlinked(join(folder, `source-${randomUUID()}`));
      throw cause;
    });
  } catch (cause) {
    throw storeError(folder, cause);
  }
}

async function openUnlinked(path: string): Promise<FileHandle> {
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

/**
 * Writes a stream from the start on, by pwrite(2): the descriptor's position stays there, for who reads it next.
 *
 * @throws ERR_TSRUN_STORE
 */
export async function writeFrom(pieces: AsyncIterable<Uint8Array>, handle: FileHandle, folder: string): Promise<void> {
  let at = 0;
  for await (const piece of pieces) {
    for (let written = 0; written < piece.length;) {
      const { bytesWritten } = await handle.write(piece, written, piece.length - written, at).catch((cause: unknown) => {
        throw storeError(folder, cause);
      });
      written += bytesWritten;
      at += bytesWritten;
    }
  }
}

function storeError(folder: string, cause: unknown): TsrunError {
  const errno = errnoName(cause) ?? String(cause);
  const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
  const what = isFull ? `no space is left in '${printable(folder, 300)}' (${errno})` : `'${printable(folder, 300)}' cannot be written: ${errno}`;
  return new TsrunError('ERR_TSRUN_STORE', what, { hint: hints[errno] ?? 'check its permissions', cause });
}

const fullHint = 'remove images with tsrun prune, or keep them elsewhere with --root-dir';
const hints: Readonly<Record<string, string>> = {
  ENOSPC: fullHint,
  EDQUOT: fullHint,
  EROFS: 'from a store that is read-only, layers that are compressed are saved as they are with --format oci; for all else mount it to be written to, or name another one with --root-dir',
};
