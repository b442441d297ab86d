/** Archives that are compressed as a whole: expanded into a file without a name, since layers are read where they stand. */
import type { FileHandle } from 'node:fs/promises';
import { TsrunError } from '../../spec/errors.js';
import { documentError } from '../documents/shapes.js';
import { openTemporaryFile } from './temporary-file.js';
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
    await options.expand(handle.fd, plain.fd, options.limits, options.signal).catch((cause: unknown) => {
      if (!TsrunError.is(cause) || cause.code !== 'ERR_TSRUN_IMAGE') throw cause;
      throw documentError(`${name} cannot be expanded from ${packing}: ${cause.message}`, 'get it anew if its copy or download did not end well; where you trust who made it, --max-layer-bytes and --max-layer-ratio raise the limits', cause);
    });
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
