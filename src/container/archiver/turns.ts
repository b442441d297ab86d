/** For what takes much of a turn of the event loop and comes several at once: one after the other, and what waits comes in between. */
import { setImmediate } from 'node:timers/promises';

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Comes at once where nobody else has asked in this turn. */
  async next(): Promise<void> {
    const before = this.#last;
    this.#last = before.then(async () => setImmediate());
    await before;
  }
}
