/** Blobs by digest: manifests, configs and layers, byte by byte as they were received. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { errnoName } from '../../spec/errno.js';
import { digestFrom, digestOf } from '../documents/digest.js';
import type { Descriptor } from '../documents.js';
import { syncFolder } from './checked-files.js';
import { hexOf } from './digest.js';
import { checkAborted, damaged, loss, storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import type { Locks } from './locks.js';

/** Of this many bytes sha256 takes a fraction of a millisecond. */
const pieceBytes = 256 * 1024;

export class Blobs {
  readonly #layout: StoreLayout;
  readonly #locks: Locks;

  constructor(layout: StoreLayout, locks: Locks) {
    this.#layout = layout;
    this.#locks = locks;
  }

  path(digest: string): string {
    return this.#layout.blob(digest);
  }

  /** By its size; its bytes are compared where they are used. */
  async has({ digest, size }: Descriptor): Promise<boolean> {
    const path = this.#layout.blob(digest);
    try {
      const status = await stat(path);
      return status.isFile() && status.size === size;
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') return false;
      throw await storeError(path, cause);
    }
  }

  /** A small one. @throws ERR_TSRUN_STORE */
  async put(bytes: Buffer, { digest }: Descriptor, signal?: AbortSignal): Promise<void> {
    const lock = await this.#locks.exclusive(lockOfBlob(digest), signal);
    const temporary = this.#layout.temporary(`blob-${hexOf(digest)}`);
    try {
      if ((await this.#bytesOf(digest))?.equals(bytes) === true) return;
      await writeSynced(temporary, bytes);
      await rename(temporary, this.#layout.blob(digest));
      await syncFolder(this.#layout.blobs);
    } catch (cause) {
      await rm(temporary, { force: true });
      throw await storeError(temporary, cause);
    } finally {
      await lock.release();
    }
  }

  async #bytesOf(digest: string): Promise<Buffer | undefined> {
    const file = await this.#openIfThere(digest);
    if (file === undefined) return undefined;
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  /** A small one, whole, compared with its digest. @throws ERR_TSRUN_STORE */
  async read({ digest, size }: Descriptor, limitBytes: number): Promise<Buffer> {
    const path = this.#layout.blob(digest);
    if (size > limitBytes) throw damaged(path, `it is larger than ${limitBytes} bytes`);
    const file = await this.open(digest);
    try {
      const status = await file.stat();
      const bytes = status.size === size ? await file.readFile() : undefined;
      if (bytes === undefined || digestOf(bytes) !== digest) throw damaged(path, 'its bytes have another digest than its name');
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** To be closed by who asks. @throws ERR_TSRUN_STORE also where there is none */
  async open(digest: string): Promise<FileHandle> {
    const file = await this.#openIfThere(digest);
    if (file !== undefined) return file;
    throw loss(`the blob ${digest} is missing in the image store`);
  }

  async #openIfThere(digest: string): Promise<FileHandle | undefined> {
    const path = this.#layout.blob(digest);
    try {
      return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') return undefined;
      throw await storeError(path, cause);
    }
  }

  /** Whether its bytes have the digest that it is named by. */
  async isWhole(digest: string, signal?: AbortSignal): Promise<boolean> {
    const file = await this.#openIfThere(digest);
    if (file === undefined) return false;
    const hash = createHash('sha256');
    for await (const piece of file.createReadStream({ highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
      checkAborted(signal);
      hash.update(piece);
    }
    return digestFrom(hash) === digest;
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#layout.blob(digest), { force: true });
  }
}

export function lockOfBlob(digest: string): string {
  return `blob-${hexOf(digest)}`;
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
