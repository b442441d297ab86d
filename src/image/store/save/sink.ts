/** Where saved images go: a folder, or a tar file. Nothing is seen there before all of it is. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Header } from 'tar/header';
import { errnoName } from '../../../spec/errno.js';
import { TsrunError } from '../../../spec/errors.js';
import { printable } from '../../../spec/quote.js';
import { syncFolder } from '../checked-files.js';

export interface Sink {
  /** @param pieces as many bytes as `size` says */
  add(path: string, size: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void>;
  finish(): Promise<void>;
  /** After a failure. */
  discard(): Promise<void>;
}

/** Whatever is written to `destination` fails with a word about it. @throws ERR_TSRUN_HOST */
export async function atDestination<T>(destination: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const errno = errnoName(cause);
    if (TsrunError.is(cause) || errno === undefined) throw cause;
    throw new TsrunError('ERR_TSRUN_HOST', `'${printable(destination, 400)}' cannot be written: ${errno}`, { hint: 'give a place of your own with enough room', cause });
  }
}

const blockBytes = 512;
/** The same bytes for the same images, whenever they are written. */
const mtime = new Date(0);

export async function openTarSink(destination: string): Promise<Sink> {
  const there = await stat(destination).catch(() => undefined);
  if (there?.isDirectory() === true) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(destination, 400)}' is a folder`, { hint: 'name a file to be written' });
  // A pipe or a terminal is written to as it is.
  const isFile = there?.isFile() ?? true;
  const temporary = isFile ? `${destination}.${randomBytes(6).toString('hex')}` : destination;
  const file = await open(temporary, isFile ? 'wx' : constants.O_WRONLY, 0o666);
  return new TarSink(file, isFile ? { temporary, destination } : undefined);
}

class TarSink implements Sink {
  readonly #file: FileHandle;
  readonly #toRename: { readonly temporary: string; readonly destination: string } | undefined;

  constructor(file: FileHandle, toRename: { readonly temporary: string; readonly destination: string } | undefined) {
    this.#file = file;
    this.#toRename = toRename;
  }

  async add(path: string, size: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const header = new Header({ path, size, mtime, mode: 0o644, uid: 0, gid: 0, type: 'File' });
    header.encode();
    await writeAll(this.#file, header.block ?? Buffer.alloc(blockBytes));
    for await (const piece of pieces) await writeAll(this.#file, piece);
    const over = size % blockBytes;
    if (over > 0) await writeAll(this.#file, Buffer.alloc(blockBytes - over));
  }

  async finish(): Promise<void> {
    await writeAll(this.#file, Buffer.alloc(2 * blockBytes));
    if (this.#toRename !== undefined) await this.#file.sync();
    await this.#file.close();
    if (this.#toRename === undefined) return;
    await rename(this.#toRename.temporary, this.#toRename.destination);
    await syncFolder(dirname(this.#toRename.destination));
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    if (this.#toRename !== undefined) await rm(this.#toRename.temporary, { force: true });
  }
}

export async function openFolderSink(destination: string): Promise<Sink> {
  if (!(await isFree(destination))) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(destination, 400)}' exists and is no empty folder`, { hint: 'name one that is not there yet, or a file that ends in .tar' });
  }
  const temporary = `${destination.replace(/\/+$/, '')}.${randomBytes(6).toString('hex')}`;
  await mkdir(temporary, { mode: 0o777 });
  return new FolderSink(temporary, destination);
}

async function isFree(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return true;
    if (errnoName(cause) === 'ENOTDIR') return false;
    throw cause;
  }
}

class FolderSink implements Sink {
  readonly #temporary: string;
  readonly #destination: string;
  readonly #folders = new Set<string>();

  constructor(temporary: string, destination: string) {
    this.#temporary = temporary;
    this.#destination = destination;
  }

  async add(path: string, _size: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const full = join(this.#temporary, path);
    await mkdir(dirname(full), { recursive: true });
    this.#folders.add(dirname(full));
    const file = await open(full, 'wx', 0o666);
    try {
      for await (const piece of pieces) await writeAll(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async finish(): Promise<void> {
    for (const folder of this.#folders) await syncFolder(folder);
    await rmdir(this.#destination).catch(() => undefined);
    await rename(this.#temporary, this.#destination);
    await syncFolder(dirname(this.#destination));
  }

  async discard(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
}
