/** A file is what its maker says it is, or nothing of it is taken. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { ChecksumError, checksumForm } from '../checksum.js';
import { documentError } from '../documents/shapes.js';
import { lendPart } from './file-tree.js';

export interface CheckedFile {
  readonly handle: FileHandle;
  /** Absent: nobody else has it. */
  readonly path?: string;
  /** Names it in errors, quoted. */
  readonly name: string;
}

/**
 * Compares a file with its checksum, before anything is read from it.
 *
 * @returns to be called when it was read: it may not have been written to meanwhile
 * @throws ERR_TSRUN_INVALID_ARGUMENT for what is no checksum, ERR_TSRUN_IMAGE for another one
 */
export async function verifyChecksum({ handle, path, name }: CheckedFile, checksum: string, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
  const expected = checksumForm.exec(checksum)?.[1]?.toLowerCase();
  if (expected === undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(checksum)}' is no checksum`, { field: '/checksum', hint: 'it is SHA256: and 64 hexadecimal digits' });
  const before = await handle.stat({ bigint: true });
  const hash = createHash('sha256');
  for await (const piece of lendPart(handle, 0, Number(before.size), name)) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  const found = hash.digest('hex');
  if (found !== expected) throw new ChecksumError(name, { expected, actual: found });
  return async () => {
    const after = path === undefined ? before : await stat(path, { bigint: true }).catch(() => undefined);
    if (after === undefined || identityOf(after) !== identityOf(before)) throw documentError(`${name} was changed while it was read, so that its checksum says nothing of it`, 'try again when nobody writes to it');
  };
}

/** The time of the last change cannot be set (inode(7)). */
function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
