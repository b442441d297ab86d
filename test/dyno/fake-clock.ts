/** Time that goes on when it is told to. */
import type { Clock } from '../../src/dyno/clock.js';

export class FakeClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<{ readonly atMs: number; readonly call: () => void }>();

  readonly now = () => this.#nowMs;

  readonly after = (delayMs: number, call: () => void) => {
    const timer = { atMs: this.#nowMs + delayMs, call };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  };

  /** Whatever is due in that time happens, in order, and what comes of it. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.call();
    }
    this.#nowMs = endMs;
  }

  get pending(): number {
    return this.#timers.size;
  }
}
