/** A folder of the host as a tree of files. What lies in it may be anybody's: FIFOs do not hold up the reader, documents are bounded by theirs. */
import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { join, sep } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { printable } from '../../spec/quote.js';
import { documentError } from '../documents/shapes.js';
import { lendPart, type FileTree, type TreeFile } from './file-tree.js';

const pieceBytes = 256 * 1024;

export interface FolderChoices {
  /**
   * May links lead out of the folder? Where every file is found by its digest, yes: build tools make layouts of links into their caches,
   * and what does not have the digest is refused.
   */
  readonly leavesFolder: boolean;
}

/** @param path absolute */
export async function openFolderTree(path: string, { leavesFolder }: FolderChoices): Promise<FileTree> {
  const root = await realpath(path);
  return {
    name: `'${printable(path, 300)}'`,
    find: async (inner) => {
      const file = join(root, inner);
      if (!leavesFolder && !(await staysInside(root, file))) throw documentError(`'${printable(file, 300)}' leads out of its folder`, 'an archive holds all of its files');
      return findFile(file);
    },
    close: () => Promise.resolve(),
  };
}

async function staysInside(root: string, file: string): Promise<boolean> {
  const real = await realpath(file).catch(() => file);
  return real.startsWith(root.endsWith(sep) ? root : root + sep);
}

async function findFile(path: string): Promise<TreeFile | undefined> {
  const status = await stat(path).catch((cause: unknown) => {
    throwUnlessAbsent(path, cause);
    return undefined;
  });
  if (status === undefined) return undefined;
  if (!status.isFile()) throw notRegular(path);
  return { size: status.size, open: (options) => openFrom(path, options), lend: ({ offset }) => lendFrom(path, offset) };
}

async function openThere(path: string): Promise<FileHandle> {
  const handle = await openFile(path);
  if (handle === undefined) throw documentError(`'${printable(path, 300)}' was removed while it was read`, 'try again when nobody writes there');
  return handle;
}

async function* lendFrom(path: string, offset: number): AsyncGenerator<Buffer> {
  const handle = await openThere(path);
  try {
    yield* lendPart(handle, offset, (await handle.stat()).size, `'${printable(path, 300)}'`);
  } finally {
    await handle.close();
  }
}

async function openFrom(path: string, { offset, signal }: Parameters<TreeFile['open']>[0]): ReturnType<TreeFile['open']> {
  const handle = await openThere(path);
  const stream = handle.createReadStream({ start: offset, highWaterMark: pieceBytes });
  return signal === undefined ? stream : addAbortSignal(signal, stream);
}

/** Not blocked by a FIFO that came in between. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throwUnlessAbsent(path, cause);
    return undefined;
  });
  if (handle === undefined || (await handle.stat()).isFile()) return handle;
  await handle.close();
  throw notRegular(path);
}

function throwUnlessAbsent(path: string, cause: unknown): void {
  const errno = errnoName(cause);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return;
  throw documentError(`'${printable(path, 300)}' cannot be read: ${errno ?? String(cause)}`, 'check its permissions', cause);
}

function notRegular(path: string): Error {
  return documentError(`'${printable(path, 300)}' is not a regular file`);
}
