/** What a program prints, into the log of its formation. */
import type { Readable } from 'node:stream';
import { LineFramer } from './framing.js';
import type { LogHub } from './hub.js';

/** A look at the clock costs as much as a short line does. */
const linesALook = 16;

/** One stream of one program. It is read no faster than its lines are passed on. */
export class LogCopy {
  readonly #hub: Pick<LogHub, 'turns' | 'room'>;
  readonly #say: (message: string) => void;
  readonly #framer = new LineFramer();
  #isHurried = false;
  #wake: (() => void) | undefined;

  constructor(hub: Pick<LogHub, 'turns' | 'room'>, say: (message: string) => void) {
    this.#hub = hub;
    this.#say = say;
  }

  /** The program has ended: what is left is little, and waits for no drain. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake?.();
  }

  /** Resolves when all of it is passed on. */
  async from(stream: Readable): Promise<void> {
    let passed = Promise.resolve();
    stream.on('data', (piece: Buffer) => {
      // libuv would go on with two megabytes before anybody else had a turn.
      stream.pause();
      passed = (async () => {
        await this.#pass(piece);
        stream.resume();
      })();
    });
    await new Promise((resolve) => stream.once('close', resolve));
    await passed;
    for (const message of this.#framer.end()) this.#say(message);
  }

  async #pass(piece: Buffer): Promise<void> {
    const { turns } = this.#hub;
    let count = 0;
    await this.#room();
    await turns.next();
    for (const message of this.#framer.lines(piece)) {
      this.#say(message);
      if (++count % linesALook !== 0 || !turns.isOver) continue;
      await this.#room();
      await turns.next();
    }
  }

  async #room(): Promise<void> {
    const room = this.#isHurried ? undefined : this.#hub.room();
    if (room === undefined) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      void room.then(() => {
        resolve();
      });
    });
  }
}
