/** An app as it runs: so many dynos of each of its process types. */
import type { Runtime } from '../container/runtime.js';
import { TsrunError } from '../spec/errors.js';
import { Blueprint } from './blueprint.js';
import { Crew } from './crew.js';
import type { Dyno } from './dyno.js';
import { endedMeanwhile, found, inherit, type Founded } from './founding.js';
import { validateQuantities, type AdoptOptions, type FormationOptions } from './formation-options.js';
import { FormationLog } from './log/formation-log.js';
import { openMetrics } from './metrics/open-metrics.js';
import { readings } from './metrics/readings.js';
import { ownName } from './one-off/own-name.js';
import { validateOneOff, type OneOffCommand, type OneOffOptions } from './one-off/one-off-options.js';
import type { OneOff } from './one-off/one-off.js';
import { OneOffs } from './one-off/one-offs.js';
import { releaseType } from './one-off/release.js';
import { redeploy, type RedeployOptions } from './redeploy.js';
import { LazyRouter } from './serving/lazy-router.js';
import type { DynoListener } from './serving/listener.js';
import { validateListenOptions, validateRestartOptions, type ListenOptions, type RestartOptions } from './serving/options.js';

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
export class Formation extends FormationLog {
  /** Before the names of its containers. */
  readonly name: string;
  readonly #blueprint: Blueprint;
  readonly #router: LazyRouter;
  readonly #crew: Crew;
  readonly #oneOffs = new OneOffs(async (program, dyno, options) => {
    this.checkRunning();
    const settings = await this.#blueprint.oneOff(dyno, program, options);
    this.checkRunning();
    return { ...settings, ...this.listeners };
  });
  #ending: Promise<void> | undefined;

  private constructor(founded: Founded) {
    super(founded);
    this.name = founded.name;
    this.#blueprint = new Blueprint(founded);
    this.#router = new LazyRouter({ blueprint: this.#blueprint, dynosOf: (type) => this.#crew.ofType(type), say: (line) => { this.say(line); } });
    this.#crew = new Crew({ blueprint: this.#blueprint, router: this.#router, listeners: this.listeners });
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
    try {
      await formation.tellOthers();
      return formation;
    } catch (error) {
      await formation.stop();
      throw error;
    }
  }

  /**
   * Takes over a formation that was started with `survive`, whose process is gone or has left it: dynos that run go on as they are, what
   * they have printed meanwhile is in the log, and what has ended is treated as if it had been seen. Resolves when all are taken over.
   *
   * @param changes hold for dynos that are started from now on
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, also where its process was killed before it had started anything, or while it stopped it, which is
   * brought to its end then; `ERR_TSRUN_STATE` while another process owns it; as `start`
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
      await formation.tellOthers();
      await formation.#crew.adopt(inheritance.dynos, (type) => inheritance.source.program(type));
      if (inheritance.isEnding) {
        await formation.stop();
        throw endedMeanwhile(name);
      }
      await formation.#router.publish(inheritance.options.publish);
      await formation.scale(inheritance.quantities);
      formation.#crew.goOn();
      return formation;
    } catch (error) {
      if (formation.#ending === undefined) await formation.leave();
      throw error;
    }
  }

  /** Runs the release phase, where there is a process type `release`, and then starts as many dynos as there shall be. @throws TsrunError as `start` */
  async deploy(): Promise<void> {
    const { quantities = { web: 1 } } = this.#blueprint.founded.options;
    this.checkRunning();
    await this.#blueprint.wanted(quantities);
    await this.#oneOffs.release(this.#blueprint.founded);
    await this.#crew.inTurn(async () => this.#scale(quantities, async () => this.#router.publish(this.#blueprint.founded.options.publish)));
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
    return this.#blueprint.founded.source.types.filter((type) => type !== releaseType);
  }

  /** @internal Its folder in the state root; undefined unless it outlives its process. */
  get statePath(): string | undefined {
    return this.#blueprint.founded.survival?.folder.path;
  }

  /** One by its name: `web.1`. */
  dyno(name: string): Dyno | undefined {
    return this.#crew.named(name);
  }

  /**
   * So many dynos of the types that are named; the others stay as they are. New ones get the lowest numbers that are free, and those with the highest go.
   * Resolves when they are gone, and the new ones are starting.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, also for a type that there is not; `ERR_TSRUN_STATE` when it was stopped; as `Runtime.run` where a new one could not start: nothing is changed then
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
    return this.#crew.inTurn(async () => this.#scale(quantities));
  }

  /**
   * Ends dynos and starts them anew, with their restart policy as if they had never crashed. Resolves when what ran has ended.
   *
   * @param which a dyno (`web.1`), a process type (`web`), or all
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND` where there is none of that name; `ERR_TSRUN_STATE` when it was stopped, and where with `preboot`
   * or `rolling` a new dyno did not come up
   *
   * @example
   * import { Formation, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { web: { command: 'exec httpd -f -p $PORT' } }, quantities: { web: 2 } });
   * const listener = await formation.listen('web', { port: 0 });
   * await formation.restart('web', { preboot: true, rolling: true }); // no connection to listener.port is refused
   */
  async restart(which?: string, options: RestartOptions = {}): Promise<void> {
    validateRestartOptions(options);
    this.checkRunning();
    await this.#crew.restart(which, options);
  }

  /**
   * Runs its dynos from another image, or a slug's on another stack: one after the other, after the release phase of a new image. Where a new dyno does
   * not come up, or not for long, those that are new already are replaced by what they were. Resolves when all dynos are new.
   *
   * @throws TsrunError as `start`, before anything is changed; `ERR_TSRUN_STATE` when it was stopped, and where a new dyno failed and all is as it was
   */
  async redeploy(options: RedeployOptions): Promise<void> {
    this.checkRunning();
    return this.#crew.inTurn(async () => redeploy({ blueprint: this.#blueprint, crew: this.#crew, oneOffs: this.#oneOffs }, options));
  }

  /**
   * Takes connections on a port of this host for the dynos of a process type: each goes to one that is up, the one with the fewest connections. It
   * waits where one is starting, and is refused where there is none; the log says why (`heroku[router]`). No network of the dynos is
   * needed, no rule of a firewall, and the port stays open while dynos come and go, until `close` or the end of the formation.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, also for a type that there is not, or that has no `PORT`, unless `innerPort` is given;
   * `ERR_TSRUN_HOST` where the port cannot be listened on; `ERR_TSRUN_STATE` when it was stopped
   *
   * @example
   * import { Formation, Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { web: { command: 'exec httpd -f -p $PORT' } } });
   * const { port } = await formation.listen('web', { port: 0 });
   * console.log((await fetch(`http://127.0.0.1:${port}/`)).status); // 404
   */
  async listen(type: string, options: ListenOptions): Promise<DynoListener> {
    validateListenOptions(options);
    this.#blueprint.programOf(type);
    this.checkRunning();
    return this.#router.listen(type, options);
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
    return this.#oneOffs.run(this.#blueprint.founded.source.oneOff(command), { by: ownName(), ...options });
  }

  /**
   * Asks all dynos to end, and kills those whose grace is over. Resolves when nothing of them is left, and drains have what was said, or
   * have had five seconds for it; then logs and events end.
   */
  async stop(): Promise<void> {
    const { survival } = this.#blueprint.founded;
    if (this.#ending === undefined) survival?.ending();
    this.#ending ??= this.#end(async (dyno) => dyno.stop(), () => survival?.end());
    return this.#ending;
  }

  /**
   * Lets its dynos live on without this process: another one adopts them, when this runtime is closed. Logs and events end here. What
   * has to be done to dynos waits until then.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` unless it was started with `survive`, and when it was stopped
   */
  async leave(): Promise<void> {
    if (this.#blueprint.founded.survival === undefined) throw new TsrunError('ERR_TSRUN_STATE', 'the formation does not outlive its process', { hint: 'start it with survive' });
    this.checkRunning();
    this.#ending = this.#end(async (dyno) => dyno.leave(), async () => Promise.resolve(this.#blueprint.founded.survival?.leave()));
    return this.#ending;
  }

  /** As `stop`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  override async metrics(): Promise<string> {
    return openMetrics(this.name, await readings(this.dynos, (type) => this.#blueprint.sizeOf(type)));
  }

  protected override checkRunning(): void {
    if (this.#ending !== undefined) throw new TsrunError('ERR_TSRUN_STATE', 'the formation was stopped', { hint: 'start another one' });
  }

  /** @param ready is done when nothing but the start is left to fail */
  async #scale(quantities: Readonly<Record<string, number>>, ready: () => Promise<void> = async () => Promise.resolve()): Promise<void> {
    this.checkRunning();
    const wanted = await this.#blueprint.wanted(quantities);
    await ready();
    this.checkRunning();
    this.#blueprint.founded.survival?.want(quantities);
    await Promise.all(wanted.map(async ({ type, count, program }) => this.#crew.count(type, count, program)));
  }

  async #end(part: (dyno: Dyno) => Promise<void>, finish: () => Promise<void> | undefined): Promise<void> {
    this.#router.close();
    await Promise.all([this.#crew.end(part), ...this.oneOffs.map(async (oneOff) => oneOff.stop())]);
    this.#router.reset();
    await this.endLog();
    await finish();
  }
}
