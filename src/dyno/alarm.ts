/** A time at which something is due: a value that can be written down, and set again by another process. */
import type { Clock } from './clock.js';

export class Alarm {
  readonly #clock: Clock;
  #atMs: number | undefined;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970; undefined when nothing is due. */
  get atMs(): number | undefined {
    return this.#atMs;
  }

  /** In the place of what was due before. What is due already is done at once, though not before this returns. */
  set(atMs: number, call: () => void): void {
    this.clear();
    this.#atMs = atMs;
    this.#cancel = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => {
      this.#atMs = undefined;
      call();
    });
  }

  /** So long from now. */
  in(delayMs: number, call: () => void): void {
    this.set(this.#clock.now() + delayMs, call);
  }

  clear(): void {
    this.#cancel();
    this.#atMs = undefined;
  }
}
