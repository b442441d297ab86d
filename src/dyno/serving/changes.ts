/** Waiting for whatever happens next. */
import type { Socket } from 'node:net';
import { Alarm } from '../alarm.js';
import type { Clock } from '../clock.js';

export class Changes {
  readonly #clock: Clock;
  readonly #wakers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  tell(): void {
    for (const wake of this.#wakers) wake();
  }

  /** Resolves with the next change, at that time, or when the client has gone. */
  async next(untilMs: number, client?: Socket): Promise<void> {
    return new Promise((resolve) => {
      const alarm = new Alarm(this.#clock);
      const wake = () => {
        alarm.clear();
        client?.removeListener('close', wake);
        this.#wakers.delete(wake);
        resolve();
      };
      alarm.set(untilMs, wake);
      client?.once('close', wake);
      this.#wakers.add(wake);
    });
  }
}
