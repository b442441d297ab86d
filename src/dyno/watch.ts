/** What is watched of a dyno while its program runs: its port, its health, and what it uses. */
import type { Container } from '../container/container.js';
import { listeningOf } from '../container/listening.js';
import type { DynoSettings } from './dyno-settings.js';
import { Health, type HealthReport } from './health/health.js';
import type { Lifecycle } from './lifecycle.js';
import { badBindLine, type BadBind } from './listeners.js';
import { measure } from './metrics/measure.js';
import type { DynoSample } from './metrics/sample.js';
import { readOwnListeners } from './own-listeners.js';
import { PortWatch } from './port-watch.js';

export interface DynoWatchSettings {
  readonly settings: DynoSettings;
  readonly name: string;
  readonly life: () => Lifecycle;
  /** A line of the platform's. */
  readonly say: (message: string) => void;
}

export class DynoWatch {
  readonly #watch: DynoWatchSettings;
  readonly #health: Health | undefined;
  #port: PortWatch | undefined;
  #sample: DynoSample | undefined;
  #endMeasure: () => void = () => undefined;

  constructor(watch: DynoWatchSettings) {
    this.#watch = watch;
    this.#health = this.#makeHealth();
  }

  /** Its checks of `startup` stand in the place of its port. */
  get isUpWhenTold(): boolean {
    return this.#health?.hasStartup === true;
  }

  /** The time to listen is over: what it listens on instead of its port is told, unless it was. */
  tellBadBind(): void {
    const found = this.#port?.takeBadBind();
    if (found !== undefined) this.#tellBadBind(found);
  }

  get isReady(): boolean {
    return this.#health?.isReady !== false;
  }

  get reports(): readonly HealthReport[] {
    return this.#health?.reports ?? [];
  }

  get sample(): DynoSample | undefined {
    return this.#sample;
  }

  /** Its program runs. */
  begin(container: Container): void {
    const { settings, name, life, say } = this.#watch;
    this.#health?.begin(container, life().state === 'up');
    this.#port = life().state === 'starting' ? this.#watchPort(container) : undefined;
    this.#endMeasure = measure(container, { ...settings, instance: life().record.instance }, {
      log: say,
      tell: (event) => {
        if (event.type === 'sample') this.#sample = event.sample;
        settings.onEvent({ ...event, dyno: name, timeMs: settings.clock.now() });
        if (event.type === 'quota' && event.code === 'R15') life().overQuota();
      },
    });
  }

  /** It is up. */
  beginOthers(): void {
    this.#health?.beginOthers();
  }

  /** It is about to end. */
  endHealth(): void {
    this.#health?.end();
  }

  /** Its program has ended, or is another process's. */
  end(): void {
    this.#endMeasure();
    this.#port?.end();
    this.#health?.end();
    this.#sample = undefined;
  }

  #watchPort(container: Container): PortWatch | undefined {
    const { settings: { clock, port, sharesNetwork = false }, life } = this.#watch;
    if (port === undefined || this.isUpWhenTold) return undefined;
    return new PortWatch({
      clock,
      source: listeningOf(container),
      port: port.number,
      ...(sharesNetwork && { read: readOwnListeners }),
      deadlineMs: life().record.deadlineMs ?? clock.now() + port.bootTimeoutMs,
      onBound: () => {
        life().bound();
      },
      onBadBind: (found) => { this.#tellBadBind(found); },
    });
  }

  #tellBadBind(found: BadBind): void {
    const { settings: { clock, onEvent }, name, say } = this.#watch;
    say(badBindLine(found));
    onEvent({ type: 'bad-bind', dyno: name, timeMs: clock.now(), code: 'R11', ...found });
  }

  #makeHealth(): Health | undefined {
    const { settings: { clock, health, onEvent }, name, life, say } = this.#watch;
    if (health === undefined) return undefined;
    return new Health({
      ...health,
      clock,
      log: say,
      up: () => {
        life().bound();
      },
      giveUp: (line) => {
        life().giveUp(line);
      },
      changed: (change) => {
        onEvent({ type: 'health', dyno: name, timeMs: clock.now(), ...change });
      },
    });
  }
}
