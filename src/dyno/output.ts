/** What a dyno prints, on its way to the log of the formation, or to its client. */
import type { Container } from '../container/container.js';
import type { DynoSettings } from './dyno-settings.js';
import { copyOutput, lineOf, unhurried, type Printed } from './log/output.js';
import { localOverflow } from './log/overflow.js';
import type { PrintListener, Printing } from './survival/keeper.js';

export class DynoOutput {
  readonly #settings: DynoSettings;
  readonly #name: string;
  readonly #leaving = new AbortController();
  #lost = new AbortController();

  constructor(settings: DynoSettings, name: string) {
    this.#settings = settings;
    this.#name = name;
  }

  /** It is another process's. */
  get isLeft(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** Another process goes on reading. */
  leave(): void {
    this.#leaving.abort();
  }

  /** A log that nobody writes any more has no end either. */
  lose(): void {
    this.#lost.abort();
  }

  print(container: Container): Printed {
    const { clock, onLog, pace, attendance, keeper, lineForm } = this.#settings;
    if (attendance !== undefined) return unhurried(attendance.attend(container));
    if (keeper !== undefined) return unhurried(this.read({ createdAtMs: container.record.createdAtMs, container }));
    return copyOutput(container, pace, { ...(lineForm !== undefined && { form: lineForm }), mark: `${clock.now()}` }, (line) => {
      onLog(lineOf(this.#name, clock.now(), line));
    });
  }

  /** What one that outlives its owner has printed stands in its log. */
  async read(printing: Printing): Promise<void> {
    const { keeper, onLog, lineForm } = this.#settings;
    this.#lost = new AbortController();
    const signal = AbortSignal.any([this.#leaving.signal, this.#lost.signal]);
    const listener: PrintListener = {
      say: ({ timeMs, ...line }) => {
        onLog(lineOf(this.#name, timeMs, line));
      },
      miss: ({ timeMs, lost }, sinceMs) => {
        onLog({ ...localOverflow({ count: lost, sinceMs, timeMs }), source: 'heroku', dyno: this.#name });
      },
    };
    await keeper?.print({ ...printing, lineForm }, listener, signal);
  }
}
