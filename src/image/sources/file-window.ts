/** Small parts of a file, one after the other, with few reads. */
import type { FileHandle } from 'node:fs/promises';
import { printable } from '../../spec/quote.js';
import { documentError } from '../documents/shapes.js';

/** So many headers of small files stand in it, some sixty, that the event loop is kept for less than a millisecond. */
export const windowBytes = 64 * 1024;

/** The part of a file that was read last, and a little more. */
export class FileWindow {
  readonly #handle: FileHandle;
  readonly #end: number;
  readonly #name: string;
  /** Of every part that fits. */
  readonly #memory = Buffer.allocUnsafe(windowBytes);
  #bytes = Buffer.alloc(0);
  #start = 0;

  constructor(handle: FileHandle, end: number, name: string) {
    [this.#handle, this.#end, this.#name] = [handle, end, name];
  }

  /** Valid until the next is taken. @param last the entry that stands before it, for the error */
  async take(at: number, length: number, last?: string): Promise<Buffer> {
    if (at + length > this.#end) throw cutShort(this.#name, undefined, last);
    if (at < this.#start || at + length > this.#start + this.#bytes.length) await this.#load(at, Math.max(length, windowBytes));
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }

  async #load(at: number, length: number): Promise<void> {
    const wanted = Math.min(length, this.#end - at);
    const buffer = wanted > windowBytes ? Buffer.alloc(wanted) : this.#memory.subarray(0, wanted);
    // Should it fail, what was here is gone.
    this.#bytes = Buffer.alloc(0);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, at + filled);
      if (bytesRead === 0) throw cutShort(this.#name);
      filled += bytesRead;
    }
    [this.#bytes, this.#start] = [buffer, at];
  }
}

/** For an archive that ends before its headers say so. @param last what is whole before the end */
export function cutShort(name: string, entry?: string, last?: string): Error {
  const place = entry !== undefined ? `inside '${printable(entry, 200)}'` : last !== undefined ? `behind '${printable(last, 200)}'` : 'inside an entry';
  return documentError(`${name} is cut short: it ends ${place}`, 'get it anew: its copy or download did not end');
}
