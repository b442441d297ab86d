/** What a launcher says, as it comes out of the stream socket between the two. */
import { Reader } from '../plan/codec.js';
import { decodeEvent, type LauncherEvent } from '../plan/wire.generated.js';
import type { Addon } from './addon.js';

const recordHeader = 8;

/** The stream's ends, ours first. For want of them the launcher's request socket is closed: nothing is to be had from it. */
export function eventStream(addon: Addon, requests: number): readonly [number, number] {
  try {
    return addon.streamPair();
  } catch (error) {
    addon.closeDescriptor(requests);
    throw error;
  }
}

/** Pieces of the stream in, events out. */
export class Incoming {
  #rest: Buffer = Buffer.alloc(0);

  /** The events that are whole with this piece. */
  *take(piece: Buffer): Generator<LauncherEvent> {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    while (bytes.length - at >= recordHeader) {
      const size = bytes.readUInt32LE(at + 4);
      if (bytes.length - at < size) break;
      yield decodeEvent(bytes.readUInt32LE(at), new Reader(bytes, at + recordHeader));
      at += size;
    }
    this.#rest = bytes.subarray(at);
  }
}
