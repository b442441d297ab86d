/** What a program prints, into the log of its formation. */
import type { Readable } from 'node:stream';
import { LineFramer, type LineForm } from './framing.js';
import type { LogHub } from './hub.js';
import type { PartialLine } from './line.js';

export interface CopySettings {
  readonly form?: LineForm;
  /** Before the ids of lines that are cut: of this stream of this program alone. */
  readonly mark?: string;
}

/** A look at the clock costs as much as a short line does. */
const linesALook = 16;

/** One stream of one program. It is read no faster than its lines are passed on. */
export class LogCopy {
  readonly #hub: Pick<LogHub, 'turns' | 'room'>;
  readonly #say: (message: string, partial: PartialLine | undefined) => void;
  readonly #framer: LineFramer;
  readonly #mark: string;
  #pieces = 0;
  #isHurried = false;
  #wake: (() => void) | undefined;

  constructor(hub: Pick<LogHub, 'turns' | 'room'>, say: (message: string, partial: PartialLine | undefined) => void, { form, mark = '' }: CopySettings = {}) {
    this.#hub = hub;
    this.#say = say;
    this.#framer = new LineFramer(form);
    this.#mark = mark;
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
    for (const message of this.#framer.end(this.#mark)) this.#say(message, this.#framer.partial);
  }

  async #pass(piece: Buffer): Promise<void> {
    const { turns } = this.#hub;
    let count = 0;
    await this.#room();
    await turns.next();
    for (const message of this.#framer.lines(piece, `${this.#mark}-${this.#pieces++}`)) {
      this.#say(message, this.#framer.partial);
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
