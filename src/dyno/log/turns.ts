/** Work that may never end, in slices, so that whoever shares the event loop waits less than a millisecond for it. */
import { loopTimeMs } from '../clock.js';

const sliceMs = 0.5;

export class Turns {
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #endMs = 0;

  /** The time of this turn is used up: what is left to do waits for the next one. */
  get isOver(): boolean {
    return loopTimeMs() >= this.#endMs;
  }

  /** Resolves in the next turn of the event loop, in which all who wait share one slice of time. */
  async next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => {
        this.#begin();
      });
    });
  }

  #begin(): void {
    this.#isScheduled = false;
    this.#endMs = loopTimeMs() + sliceMs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
