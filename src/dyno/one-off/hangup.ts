/** What comes of a client that went away without a word (Dev Center, "Error codes", R16): three times SIGHUP, and no more than that. */
import type { Clock } from '../clock.js';

const betweenMs = 5000;
const times = 3;

export interface HangupActions {
  /** SIGHUP to every process. */
  readonly signal: () => void;
  readonly log: (message: string) => void;
}

export class Hangup {
  readonly #clock: Clock;
  readonly #actions: HangupActions;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, actions: HangupActions) {
    this.#clock = clock;
    this.#actions = actions;
  }

  begin(): void {
    this.#say(1);
  }

  /** The program has ended, or has a client again. */
  end(): void {
    this.#cancel();
  }

  #say(time: number): void {
    this.#actions.log('Client connection closed. Sending SIGHUP to all processes');
    this.#actions.signal();
    this.#cancel = this.#clock.after(betweenMs, () => {
      if (time < times) this.#say(time + 1);
      else this.#actions.log('Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.');
    });
  }
}
