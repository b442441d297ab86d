/**
 * A blob on its way into the store: written, hashed as it comes, and read behind the writer by who unpacks it. What is there of an
 * earlier try is gone on from. Whoever calls holds the blob's lock.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { TsrunError } from '../../spec/errors.js';
import type { OfferedBlob } from '../offer.js';
import { syncFolder } from './checked-files.js';
import { digestFrom } from '../documents/digest.js';
import { hexOf } from './digest.js';
import { aborted, checkAborted, storeError } from './faults.js';
import type { StoreLayout } from './layout.js';

/** Of this many bytes sha256 takes a fraction of a millisecond. */
const pieceBytes = 256 * 1024;

export interface ArrivalInput {
  readonly layout: StoreLayout;
  readonly blob: OfferedBlob;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (doneBytes: number) => void;
  /** Whether it was given up by who wanted it, and may be gone on with: then what has come stays. */
  readonly isGivenUp: () => boolean;
}

export class Arrival {
  readonly #input: ArrivalInput;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #written = 0;
  #resumed = 0;
  #isWhole = false;
  #failure: unknown;
  #wake: (() => void)[] = [];

  private constructor(input: ArrivalInput, path: string, file: FileHandle) {
    this.#input = input;
    this.#path = path;
    this.#file = file;
  }

  static async begin(input: ArrivalInput): Promise<Arrival> {
    const path = partPath(input.layout, input.blob.descriptor.digest);
    try {
      return new Arrival(input, path, await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
    } catch (cause) {
      throw await storeError(path, cause);
    }
  }

  /** Whether bytes of an earlier try were taken, which may have lost their end with the power. */
  get isResumed(): boolean {
    return this.#resumed > 0;
  }

  /** To be called once. @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what the source throws */
  async receive(): Promise<void> {
    try {
      await this.#receive();
    } catch (cause) {
      this.#failure = cause;
      if (!this.#isWorthKeeping(cause)) await rm(this.#path, { force: true });
      throw cause;
    } finally {
      this.#tell();
    }
  }

  /** From the start, as far as it has come; ends when the digest was compared, and fails as `receive` does. A piece is valid until the next is asked for. */
  async *follow(): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, this.#input.blob.descriptor.size));
    let at = 0;
    for (;;) {
      if (at < this.#written) {
        const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, this.#written - at), at);
        if (bytesRead === 0) throw new TsrunError('ERR_TSRUN_STORE', 'a blob became shorter while it was read');
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (this.#failure !== undefined) throw this.#failure instanceof Error ? this.#failure : new Error('the blob did not arrive', { cause: this.#failure });
      else if (this.#isWhole) return;
      else await new Promise<void>((resolve) => { this.#wake.push(resolve); });
    }
  }

  /** After `receive`, and after who follows has come to an end. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  async #receive(): Promise<void> {
    const { blob: { descriptor: { digest, size } }, layout } = this.#input;
    this.#resumed = await this.#readPart(size);
    if (this.#resumed < size) await this.#fetch(this.#resumed, size);
    if (digestFrom(this.#hash) !== digest) throw mismatch(digest, 'its bytes have another digest');
    this.#isWhole = true;
    this.#tell();
    try {
      await this.#file.sync();
      await rename(this.#path, layout.blob(digest));
      await syncFolder(layout.blobs);
    } catch (cause) {
      throw await storeError(this.#path, cause);
    }
  }

  async #readPart(size: number): Promise<number> {
    try {
      const there = await this.#file.stat();
      if (there.size > size) await this.#file.truncate(0);
      else await this.#hashPart(there.size);
    } catch (cause) {
      throw await storeError(this.#path, cause);
    }
    return this.#written;
  }

  async #hashPart(size: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, size));
    while (this.#written < size) {
      checkAborted(this.#input.signal);
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#written);
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#advance(bytesRead);
    }
  }

  async #fetch(offset: number, size: number): Promise<void> {
    const { blob, signal } = this.#input;
    if (blob.lend === undefined) await this.#fetchStream(offset, size);
    else await this.#takeAll(blob.lend({ offset }), size);
    checkAborted(signal);
    if (this.#written < size) throw mismatch(blob.descriptor.digest, `it ends after ${this.#written} of ${size} bytes`);
  }

  async #fetchStream(offset: number, size: number): Promise<void> {
    const { blob, signal } = this.#input;
    const stream = await blob.open({ offset, ...(signal !== undefined && { signal }) });
    const onAbort = () => { stream.destroy(signal === undefined ? undefined : aborted(signal)); };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#takeAll(stream, size);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      stream.destroy();
    }
  }

  async #takeAll(chunks: AsyncIterable<unknown>, size: number): Promise<void> {
    const { blob: { descriptor: { digest } }, signal } = this.#input;
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('a blob is a stream of buffers');
      if (this.#written + chunk.length > size) throw mismatch(digest, `it has more than the ${size} bytes that its manifest says`);
      for (let at = 0; at < chunk.length; at += pieceBytes) await this.#write(chunk.subarray(at, at + pieceBytes));
      checkAborted(signal);
    }
  }

  async #write(piece: Buffer): Promise<void> {
    this.#hash.update(piece);
    try {
      let done = 0;
      while (done < piece.length) {
        const { bytesWritten } = await this.#file.write(piece, done, piece.length - done, this.#written + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw await storeError(this.#path, cause);
    }
    this.#advance(piece.length);
  }

  #advance(bytes: number): void {
    this.#written += bytes;
    this.#input.onProgress(this.#written);
    this.#tell();
  }

  /** What came before the connection broke, or before somebody lost patience, need not come again. */
  #isWorthKeeping(cause: unknown): boolean {
    if (!TsrunError.is(cause)) return false;
    return cause.code === 'ERR_TSRUN_REGISTRY' || (cause.code === 'ERR_TSRUN_ABORTED' && this.#input.isGivenUp());
  }

  #tell(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

}

export function partPath(layout: StoreLayout, digest: string): string {
  return layout.temporary(`blob-${hexOf(digest)}`);
}

function mismatch(digest: string, what: string): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', `the blob ${digest} is not what the manifest says: ${what}`, {
    hint: 'the image was damaged or changed on its way: fetch or write it again',
  });
}
