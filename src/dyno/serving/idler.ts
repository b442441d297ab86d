/** Notices that nobody has wanted anything for so long. */
import type { Clock } from '../clock.js';

export class Idler {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #act: () => void;
  #busy = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, afterMs: number, act: () => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#act = act;
  }

  /** Somebody wants something. */
  begin(): void {
    this.#busy++;
    this.stop();
  }

  /** And has got it. */
  end(): void {
    this.#busy--;
    this.rest();
  }

  /** Counts from now, unless it does so already or somebody wants something. */
  rest(): void {
    if (this.#busy > 0) return;
    this.#cancel ??= this.#clock.after(this.#afterMs, () => {
      this.#cancel = undefined;
      this.#act();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
