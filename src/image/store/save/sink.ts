/**
 * Where saved images go: a folder, or a tar, as a file or into a stream. Of a folder and a file nothing is seen before all of it is; a
 * stream that ends before the archive does has failed.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream';
import { Header } from 'tar/header';
import { errnoName } from '../../../spec/errno.js';
import { TsrunError } from '../../../spec/errors.js';
import { printable } from '../../../spec/quote.js';
import { syncFolder } from '../checked-files.js';
import { checkAborted } from '../faults.js';

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'the folder that it is to lie in is not there: make that first',
  EPIPE: 'who read it has ended before all was written',
};

export interface Sink {
  /** @param pieces as many bytes as `size` says */
  add(path: string, size: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void>;
  finish(): Promise<void>;
  /** After a failure. */
  discard(): Promise<void>;
}

export type Destination = string | NodeJS.WritableStream;

/** Whatever is written to `destination` fails with a word about it. @throws ERR_TSRUN_HOST */
export async function atDestination<T>(destination: Destination, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const errno = errnoName(cause);
    if (TsrunError.is(cause) || errno === undefined) throw cause;
    const what = typeof destination === 'string' ? `'${printable(destination, 400)}'` : 'the stream';
    throw new TsrunError('ERR_TSRUN_HOST', `${what} cannot be written: ${errno}`, { hint: hints[errno] ?? 'give a place of your own with enough room', cause });
  }
}

const blockBytes = 512;
/** The same bytes for the same images, whenever they are written. */
const mtime = new Date(0);

export async function openTarSink(destination: Destination, signal: AbortSignal | undefined): Promise<Sink> {
  return new TarSink(typeof destination === 'string' ? await openFile(destination) : openStream(destination, signal));
}

/** One piece after the other. */
interface Output {
  write(bytes: Buffer): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

class TarSink implements Sink {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  async add(path: string, size: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const header = new Header({ path, size, mtime, mode: 0o644, uid: 0, gid: 0, type: 'File' });
    header.encode();
    await this.#output.write(header.block ?? Buffer.alloc(blockBytes));
    for await (const piece of pieces) await this.#output.write(piece);
    const over = size % blockBytes;
    if (over > 0) await this.#output.write(Buffer.alloc(blockBytes - over));
  }

  async finish(): Promise<void> {
    await this.#output.write(Buffer.alloc(2 * blockBytes));
    await this.#output.finish();
  }

  async discard(): Promise<void> {
    await this.#output.discard();
  }
}

async function openFile(destination: string): Promise<Output> {
  const there = await stat(destination).catch(() => undefined);
  if (there?.isDirectory() === true) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(destination, 400)}' is a folder`, { hint: 'name a file to be written' });
  // A pipe or a terminal is written to as it is.
  const isFile = there?.isFile() ?? true;
  const temporary = isFile ? `${destination}.${randomBytes(6).toString('hex')}` : destination;
  const file = await open(temporary, isFile ? 'wx' : constants.O_WRONLY, 0o666);
  return {
    write: (bytes) => writeAll(file, bytes),
    finish: async () => {
      if (isFile) await file.sync();
      await file.close();
      if (!isFile) return;
      await rename(temporary, destination);
      await syncFolder(dirname(destination));
    },
    discard: async () => {
      await file.close().catch(() => undefined);
      if (isFile) await rm(temporary, { force: true });
    },
  };
}

/** It stays open, as standard output does. Whoever reads it may take all the time there is, so that giving up does not wait for that. */
function openStream(stream: NodeJS.WritableStream, signal: AbortSignal | undefined): Output {
  let fail: (cause: unknown) => void = () => undefined;
  // Also of one that is destroyed while it is written to, and tells nobody.
  const leave = finished(stream, { readable: false }, (cause) => { fail(cause ?? new TsrunError('ERR_TSRUN_HOST', 'the stream was closed before the images were written')); });
  const give = () => { fail(signal?.reason); };
  signal?.addEventListener('abort', give);
  const write = async (bytes: Buffer): Promise<void> => {
    try {
      await new Promise<void>((resolve, reject) => {
        fail = reject;
        stream.write(bytes, (cause) => { if (cause instanceof Error) reject(cause); else resolve(); });
      });
    } catch (cause) {
      checkAborted(signal);
      throw cause;
    }
  };
  const end = (): void => { signal?.removeEventListener('abort', give); };
  return {
    write,
    finish: () => {
      leave();
      end();
      return Promise.resolve();
    },
    discard: () => {
      end();
      return Promise.resolve();
    },
  };
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
