/** Notices that nobody has wanted anything for so long. */
import { Alarm } from '../alarm.js';
import type { Clock } from '../clock.js';

export class Idler {
  readonly #alarm: Alarm;
  readonly #afterMs: number;
  readonly #act: () => void;
  #busy = 0;

  constructor(clock: Clock, afterMs: number, act: () => void) {
    this.#alarm = new Alarm(clock);
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
    if (this.#busy === 0 && this.#alarm.atMs === undefined) this.#alarm.in(this.#afterMs, this.#act);
  }

  stop(): void {
    this.#alarm.clear();
  }
}
