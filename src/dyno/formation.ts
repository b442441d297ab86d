/** An app as it runs: so many dynos of each of its process types. */
import { EventStream } from '../container/events.js';
import type { Runtime } from '../container/runtime.js';
import { TsrunError } from '../spec/errors.js';
import { Blueprint } from './blueprint.js';
import { Crew } from './crew.js';
import type { Drain } from './drains/drain.js';
import type { DrainChoice } from './drains/drain-options.js';
import { LazyDrains } from './drains/lazy-drains.js';
import type { Dyno } from './dyno.js';
import type { DynoEvent } from './events.js';
import { found, inherit, type Founded } from './founding.js';
import { formationDefaults, validateDrain, validateQuantities, type AdoptOptions, type FormationOptions } from './formation-options.js';
import { LogHub, type LogOptions } from './log/hub.js';
import type { LogLine } from './log/line.js';
import { openMetrics } from './metrics/open-metrics.js';
import { validateOneOff, type OneOffCommand, type OneOffOptions } from './one-off/one-off-options.js';
import type { OneOff } from './one-off/one-off.js';
import { OneOffs } from './one-off/one-offs.js';
import { releaseType, runRelease } from './one-off/release.js';

/**
 * The dynos of an app: each runs one process of it in a container of its own, is started again by its restart policy, and says what
 * becomes of it as Heroku does.
 *
 * @example
 * import { formatLogLine, Formation, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', {
 *   processTypes: { web: { command: 'httpd -f -p $PORT' }, worker: { command: 'while sleep 1; do date; done' } },
 *   quantities: { web: 2, worker: 1 },
 * });
 * for await (const line of formation.logs()) {
 *   console.log(formatLogLine(line));
 *   if (formation.dynos.every(({ state }) => state === 'up')) break;
 * }
 */
export class Formation {
  /** Before the names of its containers. */
  readonly name: string;
  readonly #founded: Founded;
  readonly #blueprint: Blueprint;
  readonly #crew: Crew;
  readonly #drains: LazyDrains;
  readonly #events = new EventStream<DynoEvent>();
  readonly #log = new LogHub();
  readonly #listeners = {
    onLog: (line: LogLine) => {
      this.#founded.survival?.log(line);
      this.#log.write(line);
    },
    pace: this.#log,
    onEvent: (event: DynoEvent) => {
      this.#events.push(event);
    },
  };
  readonly #oneOffs = new OneOffs(async (program, dyno, env) => {
    this.#checkRunning();
    const settings = await this.#blueprint.oneOff(dyno, program, env);
    this.#checkRunning();
    return { ...settings, ...this.#listeners };
  });
  #scaling: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;

  private constructor(founded: Founded) {
    const { name, survival, options: { clock = formationDefaults.clock } } = founded;
    this.name = name;
    this.#founded = founded;
    if (survival !== undefined) this.#log.restore(survival.past);
    this.#drains = new LazyDrains({ app: name, hub: this.#log, clock, onEvent: this.#listeners.onEvent });
    this.#blueprint = new Blueprint(founded);
    this.#crew = new Crew({ blueprint: this.#blueprint, survival, listeners: this.#listeners });
  }

  /**
   * Starts the dynos of an image; it is fetched and unpacked first where it is not here. Resolves when all of them are starting: how they
   * do is told by `events` and `logs`. The image is what `Runtime.run` takes.
   *
   * @throws TsrunError before anything is started, as `Runtime.run` for the image and the container options; `ERR_TSRUN_INVALID_ARGUMENT`
   * also for a process type that there is not; `ERR_TSRUN_RELEASE` when the release phase failed
   */
  static async start(runtime: Runtime, image: string, options: FormationOptions = {}): Promise<Formation> {
    const formation = await Formation.prepare(runtime, image, options);
    try {
      await formation.deploy();
      return formation;
    } catch (error) {
      await formation.stop();
      throw error;
    }
  }

  /** The same with nothing started yet: `deploy` does that, so that the log of the release phase can be read. @throws TsrunError as `start` */
  static async prepare(runtime: Runtime, image: string, options: FormationOptions = {}): Promise<Formation> {
    const formation = new Formation(await found(runtime, image, options));
    await formation.#drainAll();
    return formation;
  }

  /**
   * Takes over a formation that was started with `survive`, whose process is gone or has left it: dynos that run go on as they are, what
   * they have printed meanwhile is in the log, and what has ended is treated as if it had been seen. Resolves when all are taken over.
   *
   * @param changes hold for dynos that are started from now on
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` while another process owns it; as `start`
   *
   * @example
   * import { Formation, formatLogLine, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const first = await Formation.start(runtime, './rootfs', { name: 'clock', survive: true, processTypes: { tick: { command: 'while sleep 0.1; do date; done' } }, quantities: { tick: 1 } });
   * await first.leave(); // as if this process had been killed
   * await using formation = await Formation.adopt(runtime, 'clock');
   * for await (const line of formation.logs({ past: 5 })) {
   *   console.log(formatLogLine(line));
   *   if (line.source === 'app') break;
   * }
   */
  static async adopt(runtime: Runtime, name: string, changes: AdoptOptions = {}): Promise<Formation> {
    const inheritance = await inherit(runtime, name, changes);
    const formation = new Formation(inheritance);
    try {
      await formation.#drainAll();
      await formation.#crew.adopt(inheritance.dynos, (type) => inheritance.source.program(type));
      await formation.scale(inheritance.quantities);
      return formation;
    } catch (error) {
      await formation.leave();
      throw error;
    }
  }

  /**
   * Runs the release phase, where there is a process type `release`, and then starts as many dynos as there shall be.
   *
   * @throws TsrunError as `start`
   */
  async deploy(): Promise<void> {
    const { source, options: { quantities = { web: 1 }, release = true, processTypes = {} } } = this.#founded;
    this.#checkRunning();
    await this.#blueprint.wanted(quantities);
    if (release !== false && source.types.includes(releaseType)) {
      await runRelease(release, processTypes[releaseType], async (options) => this.#oneOffs.run(source.program(releaseType), options, 1));
    }
    await this.scale(quantities);
  }

  /** Those that there shall be, whatever state they are in, by type and number. */
  get dynos(): readonly Dyno[] {
    return this.#crew.all;
  }

  /** Those one-off dynos that have not ended. */
  get oneOffs(): readonly OneOff[] {
    return this.#oneOffs.all;
  }

  /** What it can have dynos of. */
  get processTypes(): readonly string[] {
    return this.#founded.source.types.filter((type) => type !== releaseType);
  }

  /** @internal Its folder in the state root; undefined unless it outlives its process. */
  get statePath(): string | undefined {
    return this.#founded.survival?.folder.path;
  }

  /** One by its name: `web.1`. */
  dyno(name: string): Dyno | undefined {
    return this.#crew.named(name);
  }

  /**
   * So many dynos of the types that are named; the others stay as they are. New ones get the lowest numbers that are free, and those with
   * the highest go. Resolves when they are gone, and the new ones are starting.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, also for a type that there is not; `ERR_TSRUN_STATE` when it was stopped; as
   * `Runtime.run` where a new dyno could not be started; nothing is changed then
   *
   * @example
   * import { Formation, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { worker: { command: 'sleep 1000' } }, quantities: { worker: 3 } });
   * await formation.scale({ worker: 1 });
   * console.log(formation.dynos.map(({ name }) => name)); // [ 'worker.1' ]
   */
  async scale(quantities: Readonly<Record<string, number>>): Promise<void> {
    validateQuantities(quantities);
    // One after the other: what is going must be gone before it can come back.
    const before = this.#scaling;
    this.#scaling = (async () => {
      await before.catch(() => undefined);
      await this.#scale(quantities);
    })();
    return this.#scaling;
  }

  /**
   * Ends dynos and starts them anew, with their restart policy as if they had never crashed. Resolves when what ran has ended.
   *
   * @param which a dyno (`web.1`), a process type (`web`), or all
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND` where there is none of that name; `ERR_TSRUN_STATE` when it was stopped
   */
  async restart(which?: string): Promise<void> {
    this.#checkRunning();
    await Promise.all(this.#crew.chosen(which).map(async (dyno) => dyno.restart()));
  }

  /**
   * Runs a program once, beside the dynos: with their image, their config vars but no `PORT`, their user and limits, and a name such as
   * `run.1234`. Its output is in the log, unless a client attaches. Resolves when it is starting.
   *
   * @param command a line for the shell, or its words; where the first word is a process type it stands for that type's command
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`; `ERR_TSRUN_STATE` when it was stopped; as `Runtime.run` for the container options
   */
  async run(command: OneOffCommand, options: OneOffOptions = {}): Promise<OneOff> {
    validateOneOff(command, options);
    return this.#oneOffs.run(this.#founded.source.oneOff(command), options);
  }

  /**
   * Asks all dynos to end, and kills those whose grace is over. Resolves when nothing of them is left, and drains have what was said, or
   * have had five seconds for it; then logs and events end.
   */
  async stop(): Promise<void> {
    this.#ending ??= this.#end(async (dyno) => dyno.stop(), () => this.#founded.survival?.end());
    return this.#ending;
  }

  /**
   * Lets its dynos live on without this process: another one adopts them, when this runtime is closed. Logs and events end here. What
   * has to be done to dynos waits until then.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` unless it was started with `survive`, and when it was stopped
   */
  async leave(): Promise<void> {
    if (this.#founded.survival === undefined) throw new TsrunError('ERR_TSRUN_STATE', 'the formation does not outlive its process', { hint: 'start it with survive' });
    this.#checkRunning();
    this.#ending = this.#end(async (dyno) => dyno.leave(), async () => Promise.resolve(this.#founded.survival?.leave()));
    return this.#ending;
  }

  /** As `stop`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * What becomes of dynos, from this call on. Ends with `stop`, or when the signal is aborted.
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
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<DynoEvent> {
    return this.#events.read(options.signal);
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
    this.#checkRunning();
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

  /** What its dynos use now, and what they have done, as OpenMetrics text; `serveMetrics` puts it on a socket. Loads are those of the last sample. */
  async metrics(): Promise<string> {
    const readings = this.dynos.map(async (dyno) => {
      const { name, type, state, crashes, sample, container } = dyno;
      // Who has no cgroup, or has just ended, has no figures.
      return { name, type, state, crashes, sample, stats: await container?.stats().catch(() => undefined), quotaBytes: this.#blueprint.sizeOf(type)?.memoryBytes };
    });
    return openMetrics(this.name, await Promise.all(readings));
  }

  async #scale(quantities: Readonly<Record<string, number>>): Promise<void> {
    this.#checkRunning();
    const wanted = await this.#blueprint.wanted(quantities);
    this.#checkRunning();
    const { survival } = this.#founded;
    survival?.define({ quantities: { ...survival.definition.quantities, ...quantities } });
    await Promise.all(wanted.map(async ({ type, count, program }) => this.#crew.count(type, count, program)));
  }

  async #drainAll(): Promise<void> {
    for (const drain of this.#founded.options.drains ?? []) await this.addDrain(drain);
  }

  async #end(part: (dyno: Dyno) => Promise<void>, finish: () => Promise<void> | undefined): Promise<void> {
    await Promise.all([...this.dynos.map(part), ...this.oneOffs.map(async (oneOff) => oneOff.stop())]);
    await this.#drains.close();
    this.#events.end();
    this.#log.end();
    await finish();
  }

  #checkRunning(): void {
    if (this.#ending !== undefined) throw new TsrunError('ERR_TSRUN_STATE', 'the formation was stopped', { hint: 'start another one' });
  }
}
