/** How the processes of a dyno are asked to end, and ended. */
import type { Container } from '../container/container.js';
import { Alarm } from './alarm.js';
import type { DynoSettings } from './dyno-settings.js';

export class Ending {
  readonly #settings: Pick<DynoSettings, 'stopSignal' | 'delivery' | 'repeatStopMs'>;
  readonly #container: () => Pick<Container, 'stop' | 'killAll'> | undefined;
  readonly #again: Alarm;

  constructor({ clock, ...settings }: Pick<DynoSettings, 'clock' | 'stopSignal' | 'delivery' | 'repeatStopMs'>, container: () => Pick<Container, 'stop' | 'killAll'> | undefined) {
    this.#settings = settings;
    this.#container = container;
    this.#again = new Alarm(clock);
  }

  /** How it ends is told by its end. Heroku may send its signal more than once (Dev Center, "Dynos"). */
  terminate(): void {
    const { stopSignal: signal, delivery, repeatStopMs } = this.#settings;
    this.#container()?.stop({ signal, delivery, graceMs: -1 }).catch(() => undefined);
    if (repeatStopMs !== undefined) this.#again.in(repeatStopMs, () => { this.terminate(); });
  }

  kill(): void {
    this.over();
    this.#container()?.killAll().catch(() => undefined);
  }

  /** There is nothing to be asked any more, or it is another process's. */
  over(): void {
    this.#again.clear();
  }
}
