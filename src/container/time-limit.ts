/** `timeoutMs`: how long a program may run, kept by the calling process. */
import type { ExitStatus } from './state/exit-status.js';

export class TimeLimit {
  readonly #ms: number;
  #isOver = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** From when the program runs. */
  begin(exited: Promise<unknown>, stop: () => Promise<unknown>): void {
    const timer = setTimeout(() => {
      this.#isOver = true;
      stop().catch(() => undefined);
    }, this.#ms);
    const forget = () => {
      clearTimeout(timer);
    };
    exited.then(forget, forget);
  }

  judge(status: ExitStatus): ExitStatus {
    return this.#isOver && (status.cause === 'exit' || status.cause === 'signal') ? { ...status, cause: 'timeout' } : status;
  }
}
