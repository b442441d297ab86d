/** One health check of a dyno, again and again: when it is made, and what its answers add up to. Docker's rules. */
import type { Clock } from '../clock.js';

/** What is known of a check: nothing yet, that it passed last, or that it failed too often. */
export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

export interface MonitorSettings {
  readonly clock: Clock;
  readonly initialDelayMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  /** Undefined where it is well, else why it is not. Whoever asks does not wait for one that goes on after the abort. */
  readonly probe: (signal: AbortSignal) => Promise<string | undefined>;
  /** The status is another one; `why` where it is `unhealthy`. */
  readonly changed: (status: HealthStatus, why: string | undefined) => void;
}

export class HealthMonitor {
  readonly #settings: MonitorSettings;
  #status: HealthStatus = 'starting';
  #failures = 0;
  #lastFailure: string | undefined;
  #graceEndMs = 0;
  /** Of this run; what is told of an earlier one does not count. */
  #run: AbortController | undefined;
  #cancel: () => void = () => undefined;

  constructor(settings: MonitorSettings) {
    this.#settings = settings;
  }

  get status(): HealthStatus {
    return this.#status;
  }

  /** In a row, those in the start period too. */
  get failures(): number {
    return this.#failures;
  }

  /** Why it failed last. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** The program is another one. */
  begin(): void {
    const { clock, initialDelayMs, startPeriodMs } = this.#settings;
    this.end();
    [this.#status, this.#failures, this.#lastFailure] = ['starting', 0, undefined];
    this.#graceEndMs = clock.now() + startPeriodMs;
    this.#run = new AbortController();
    this.#next(initialDelayMs, this.#run);
  }

  end(): void {
    this.#cancel();
    this.#run?.abort();
    this.#run = undefined;
  }

  #next(delayMs: number, run: AbortController): void {
    this.#cancel = this.#settings.clock.after(delayMs, () => void this.#ask(run));
  }

  async #ask(run: AbortController): Promise<void> {
    const why = await this.#answer(run);
    if (this.#run !== run) return;
    const { intervalMs, startIntervalMs } = this.#settings;
    this.#judge(why);
    // Whoever heard of it may have ended this.
    if (!run.signal.aborted) this.#next(this.#isInGrace() ? startIntervalMs : intervalMs, run);
  }

  async #answer(run: AbortController): Promise<string | undefined> {
    const { clock, timeoutMs, probe } = this.#settings;
    const over = new AbortController();
    const abort = () => {
      over.abort();
    };
    run.signal.addEventListener('abort', abort, { once: true });
    let cancel: () => void = () => undefined;
    const late = new Promise<string>((resolve) => {
      cancel = clock.after(timeoutMs, () => {
        resolve(`no answer within ${timeoutMs / 1000} s`);
        over.abort();
      });
    });
    try {
      return await Promise.race([late, probe(over.signal)]);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      cancel();
      run.signal.removeEventListener('abort', abort);
    }
  }

  #judge(why: string | undefined): void {
    if (why === undefined) {
      [this.#failures, this.#graceEndMs] = [0, 0];
      this.#become('healthy', undefined);
      return;
    }
    this.#lastFailure = why;
    if (this.#isInGrace()) return;
    this.#failures++;
    if (this.#failures >= this.#settings.retries) this.#become('unhealthy', why);
  }

  #isInGrace(): boolean {
    return this.#status === 'starting' && this.#settings.clock.now() < this.#graceEndMs;
  }

  #become(status: HealthStatus, why: string | undefined): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#settings.changed(status, why);
  }
}
