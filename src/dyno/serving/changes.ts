/** Waiting for whatever happens next. */
import type { Socket } from 'node:net';
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
      const wake = () => {
        cancel();
        client?.removeListener('close', wake);
        this.#wakers.delete(wake);
        resolve();
      };
      const cancel = this.#clock.after(Math.max(0, untilMs - this.#clock.now()), wake);
      client?.once('close', wake);
      this.#wakers.add(wake);
    });
  }
}
