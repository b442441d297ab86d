/** Looks for a dyno's listener, while it is starting and no longer. */
import type { Clock } from './clock.js';
import { isBound, readListeners, type Listener } from './listeners.js';

/** Most programs listen soon, and some take half a minute. */
const firstLookMs = 20;
const mostBetweenMs = 250;

export class PortWatch {
  readonly port: number;
  readonly #clock: Clock;
  #listeners: readonly Listener[] = [];
  #cancel: () => void = () => undefined;
  #watched: object | undefined;

  constructor(clock: Clock, port: number) {
    this.#clock = clock;
    this.port = port;
  }

  /** As they were seen last. */
  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  begin(pid: number, onBound: () => void): void {
    const watched = {};
    this.#watched = watched;
    this.#listeners = [];
    let waitMs = firstLookMs;
    const look = async () => {
      const listeners = await readListeners(pid);
      if (this.#watched !== watched) return;
      this.#listeners = listeners;
      if (isBound(listeners, this.port)) {
        this.end();
        onBound();
        return;
      }
      this.#cancel = this.#clock.after(waitMs, () => void look());
      waitMs = Math.min(2 * waitMs, mostBetweenMs);
    };
    void look();
  }

  end(): void {
    this.#watched = undefined;
    this.#cancel();
  }
}
