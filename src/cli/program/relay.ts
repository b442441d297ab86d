/** Copies what a program prints to a stream of the caller. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { OutputStream } from '../invocation.js';

/** Silence after which what the ended program has printed is taken for all. */
const quietMs = 50;

export class Relay {
  /** Resolves when everything was copied, or its reader has left. */
  readonly ended: Promise<void>;
  readonly #source: Readable;
  #bytes = 0;

  constructor(source: Readable, destination: OutputStream) {
    this.#source = source;
    // The reader has left: the program shall hear of it as it would from a pipe of its own (SIGPIPE).
    const stop = () => source.destroy();
    destination.once('error', stop);
    this.ended = new Promise((resolve) => {
      source.once('close', () => {
        destination.removeListener('error', stop);
        resolve();
      });
    });
    source.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
    });
    source.pipe(destination, { end: false });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The destination is slow. */
  get waits(): boolean {
    return this.#source.isPaused();
  }
}

/** Ends when no relay has had anything to copy for a while: what was printed before the call lies in the pipes already. */
export async function quiet(relays: readonly Relay[]): Promise<void> {
  let seen = -1;
  for (;;) {
    const bytes = relays.reduce((sum, relay) => sum + relay.bytes, 0);
    if (bytes === seen && !relays.some((relay) => relay.waits)) return;
    seen = bytes;
    await setTimeout(quietMs);
    // Past the phase in which Node reads: a process that was held up has had its chance by then.
    await setImmediate();
  }
}
