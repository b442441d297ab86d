/** What is said of a formation, and who hears it: readers, drains, those who wait for events, and those who ask for metrics. */
import { TsrunError } from '../../spec/errors.js';
import type { Drain } from '../drains/drain.js';
import type { DrainChoice } from '../drains/drain-options.js';
import { LazyDrains } from '../drains/lazy-drains.js';
import type { DynoEvent, DynoNews } from '../events.js';
import { formationDefaults, validateDrain } from '../formation-options.js';
import type { Founded } from '../founding.js';
import { serveMetrics, type MetricsServer } from '../metrics/serve-metrics.js';
import { EventLog, type EventOptions } from './event-log.js';
import { LogHub, type LogOptions } from './hub.js';
import type { LogLine } from './line.js';

/** The part of a `Formation` that tells. */
export abstract class FormationLog {
  readonly #founded: Founded;
  readonly #log = new LogHub();
  readonly #events: EventLog;
  readonly #drains: LazyDrains;
  #metrics: MetricsServer | undefined;

  /** @internal */
  constructor(founded: Founded) {
    const { name, survival, options: { clock = formationDefaults.clock } } = founded;
    this.#founded = founded;
    this.#events = new EventLog(survival?.events);
    if (survival !== undefined) this.#log.restore(survival.past);
    this.#drains = new LazyDrains({ app: name, hub: this.#log, clock, onEvent: (event) => { this.tell(event); } });
  }

  /**
   * What becomes of dynos, from this call on; with `after`, which is the `sequence` of an event, from the one that follows it: so nothing is missed by
   * who was away, also not where the formation was adopted meanwhile. Ends with `stop`, or when the signal is aborted.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for a number that no event has had yet
   *
   * @example
   * import { Formation, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { job: { command: 'sleep 1; exit 3' } }, quantities: { job: 1 }, restart: 'docker' });
   * for await (const event of formation.events()) {
   *   if (event.type !== 'ended') continue;
   *   console.log(event.dyno, event.death.cause, event.death.code); // job.1 exit 3
   *   break;
   * }
   */
  events(options: EventOptions = {}): AsyncIterableIterator<DynoEvent> {
    return this.#events.read(options);
  }

  /**
   * What dynos print, and what the platform says of them: the last lines that were there before, and from this call on all that come.
   * Who reads too slowly gets the newest, and a line that says how many were lost (L11): a dyno never waits for a reader. Ends with
   * `stop`, or when the signal is aborted.
   */
  logs(options: LogOptions = {}): AsyncGenerator<LogLine, undefined> {
    return this.#log.read(options);
  }

  /** Where the log goes beside its readers. */
  get drains(): readonly Drain[] {
    return this.#drains.list;
  }

  /**
   * Sends the log to somebody else too, from now on. A dyno never waits for a drain that does not say so (`blocks`): what it cannot take
   * is dropped, the oldest first, and told in the place where it is missing.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, which shows nothing of the URL; `ERR_TSRUN_STATE` when the formation was stopped
   *
   * @example
   * import { Formation, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { job: { command: 'echo hello' } }, quantities: { job: 1 }, restart: 'never' });
   * const drain = await formation.addDrain('file:///tmp/app.log?max=1m&keep=2');
   * console.log(drain.name); // file:///tmp/app.log
   */
  async addDrain(drain: DrainChoice): Promise<Drain> {
    validateDrain(drain);
    this.checkRunning();
    return this.#drains.add(drain);
  }

  /**
   * Resolves when it has what was said until now, or has had five seconds for it.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND` where it is none of this formation's
   */
  async removeDrain(drain: Drain): Promise<void> {
    if (!(await this.#drains.remove(drain))) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no such drain: ${drain.name}`);
  }

  /** @internal Where dynos tell of themselves. */
  protected get listeners() {
    return {
      onLog: (line: LogLine) => {
        this.say(line);
      },
      pace: this.#log,
      onEvent: (event: DynoNews) => {
        this.tell(event);
      },
    };
  }

  /** @internal */
  protected say(line: LogLine): void {
    this.#founded.survival?.log(line);
    this.#log.write(line);
  }

  /** @internal */
  protected tell(event: DynoNews): void {
    this.#events.tell(event);
  }

  /** @internal */
  protected abstract checkRunning(): void;

  /** What its dynos use now, and what they have done, as OpenMetrics text; `serveMetrics` puts it on a socket. Loads are those of the last sample. */
  abstract metrics(): Promise<string>;

  /** @internal Drains and metrics, as the options have them. */
  protected async tellOthers(): Promise<void> {
    const { drains = [], serveMetrics: address } = this.#founded.options;
    for (const drain of drains) await this.addDrain(drain);
    if (address !== undefined) this.#metrics = await serveMetrics(this, address);
  }

  /** @internal Drains have what was said, or have had five seconds for it. */
  protected async endLog(): Promise<void> {
    await Promise.all([this.#metrics?.[Symbol.asyncDispose](), this.#drains.close()]);
    this.#events.end();
    this.#log.end();
  }
}
