/** The runtime: one launcher, and the containers that it makes for this process. What is there already: `known-containers.ts`. */
import { prepareBase } from '../cgroup/layout.js';
import { loadNative, type NativeFiles } from '../engine/addon.js';
import { SeccompCache } from '../engine/seccomp.js';
import { containerPool, RANGE_SIZE } from '../host/id-ranges.js';
import { probeHost } from '../host/probe.js';
import type { Plan } from '../plan/plan.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { show } from '../spec/quote.js';
import type { Archiver } from './archiver/archiver.js';
import { joinSurvivor, nameLauncher, start, type NamedLauncher } from './connection.js';
import { Container } from './container.js';
import type { ExecOptions } from './options/exec-options.js';
import type { ExecProcess } from './exec.js';
import { filterStore } from './state/filter-store.js';
import { collectGarbage, type Collected } from './state/garbage.js';
import type { ImageLibrary } from '../image/image-types.js';
import { hostError } from './host-error.js';
import { librarySurroundings } from './image-library/surroundings.js';
import { Images } from './images.js';
import { IdRanges } from './ids/id-ranges.js';
import { Mounts } from './mounts/mounts.js';
import { ContainerFiles } from './container-files.js';
import { Launching } from './launching.js';
import { checkStateRoot } from './state/make-folder.js';
import type { RunRequest } from './options/call-options.js';
import type { RunOptions } from './options/options.js';
import { randomNumber } from './state/random.js';
import { defaultImageRoot } from './state/image-root.js';
import { defaultStateRoot, StateRoot } from './state/state-root.js';
import { subordinateIds } from './ids/subordinate.js';
import { stopOnAbort } from './stop-on-abort.js';
import type { Opened, RuntimeOptions } from './runtime-options.js';
import { SurvivorLauncher } from './survivor-launcher.js';
import { imageAndOptions, validateEventsOptions, validateImage, validateRuntimeOptions } from './options/validate-calls.js';

/** Of survivors, that are killed one after the other while a start is on its way. */
const mostLaunchers = 3;

/**
 * One launcher, and the containers that it makes for this process. Runtimes of one process do not meet but in their state root.
 *
 * @example
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const container = await runtime.run('./rootfs', { command: ['/bin/echo', 'hello'], stdout: 'inherit' });
 * const { code } = await container.exited;
 */
export class Runtime extends ContainerFiles {
  /** What dead launchers had left in the state root, and was removed when it was opened. */
  readonly collected: Collected;
  /**
   * The images of the store, which is made when it is first used.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * for (const { names, digest } of await runtime.images.list()) console.log(names, digest);
   */
  readonly images: ImageLibrary;
  /** Images and containers mounted on the host, for looking inside. */
  readonly mounts: Mounts;
  readonly #images: Images;
  readonly #native: NativeFiles;
  readonly #own: NamedLauncher;
  readonly #survivor: SurvivorLauncher;
  readonly #ranges: IdRanges;
  readonly #launching: Launching;
  readonly #starting = new Set<Container>();
  #archiver: Archiver | undefined;

  private constructor({ native, host, root, own, collected, imageRoot }: Opened) {
    const seccomp = new SeccompCache((profile) => native.addon.compileSeccomp(profile), host.arch, filterStore(root.filtersPath, native.addonPath));
    const images = new Images(() => librarySurroundings({ imageRoot, root, native, host, archiver: async () => this.archiver() }));
    const launching = new Launching({ addon: native.addon, host, root, seccomp, loadLibrary: async () => images.library(), imageRoot, subordinate: host.uid === 0 ? undefined : subordinateIds() });
    super({ native, host, root, launching, imageRoot });
    this.collected = collected;
    [this.images, this.#images] = [images, images];
    this.mounts = new Mounts({ root, host, addon: native.addon, launcher: own.launcher, loadLibrary: async () => images.library(), containers: this });
    this.#native = native;
    this.#own = own;
    this.#survivor = new SurvivorLauncher(async () => joinSurvivor(native, root, host.uid !== 0), async () => this.gc());
    this.#ranges = new IdRanges(root.rangesPath, own.name);
    this.#launching = launching;
  }

  /**
   * Starts a launcher (Linux 5.14), and removes what dead ones left in the state root.
   *
   * @throws TsrunError `ERR_TSRUN_NATIVE_LOAD` without addon or launcher; `ERR_TSRUN_UNSUPPORTED` where sockets cannot be made of
   * descriptors, as in Bun; `ERR_TSRUN_INVALID_ARGUMENT` for a state root whose path
   * will not do; `ERR_TSRUN_HOST` where the launcher does not start, or the state root cannot be made
   *
   * @example
   * import { Runtime } from 'tsrun';
   * const runtime = await Runtime.open();
   * console.log(runtime.host.kernel.release, runtime.collected.containers);
   * await runtime.close();
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    validateRuntimeOptions(options);
    if (options.root !== undefined) checkStateRoot(options.root, 'root');
    const native = loadNative();
    // Before the rest, during which it begins.
    const starting = start(native, process.geteuid?.() !== 0);
    try {
      const probed = probeHost({ native: native.addon });
      const root = new StateRoot(options.root ?? defaultStateRoot(probed.uid, process.env));
      root.make();
      const host = { ...probed, cgroup: prepareBase(probed.cgroup).cgroup };
      const imageRoot = options.imageRoot ?? defaultImageRoot(host.uid, process.env);
      const [own, collected] = await Promise.all([nameLauncher(starting, root), collectGarbage(root, native.addon, host.cgroup, imageRoot)]);
      return new Runtime({ native, host, root, own, collected, imageRoot });
    } catch (cause) {
      starting.then((launcher) => { launcher.close(); }, () => undefined);
      throw hostError(cause);
    }
  }

  /**
   * Runs an image: the folder of an unpacked root file system or of an OCI bundle as it is, or whatever else holds one (an OCI image
   * layout, a docker-archive, a slug, a name in the store or in a registry), which is unpacked into the store first if it is not there.
   * In one object, `run({ image, … })` is the same. Resolves when its program was executed; an error undoes everything before it, but what the store has stays there.
   *
   * @throws TsrunError before anything is touched: `ERR_TSRUN_IMAGE`, `ERR_TSRUN_REGISTRY`, `ERR_TSRUN_STORE`, `ERR_TSRUN_INVALID_ARGUMENT`,
   * `ERR_TSRUN_INVALID_SPEC`, `ERR_TSRUN_UNSUPPORTED`, `ERR_TSRUN_USER_NOT_FOUND`, `ERR_TSRUN_LIMIT_UNAVAILABLE`, `ERR_TSRUN_HOST`, `ERR_TSRUN_ABORTED`;
   * then `ERR_TSRUN_EXISTS` for a name that is taken, `ERR_TSRUN_COMMAND_NOT_FOUND`, `ERR_TSRUN_COMMAND_NOT_EXECUTABLE`, `ERR_TSRUN_LAUNCHER_LOST`;
   * SetupError `ERR_TSRUN_SETUP` for any other step that failed
   *
   * @example
   * import { text } from 'node:stream/consumers';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', {
   *   command: ['sh', '-c', 'echo "$GREETING from $(hostname)"'],
   *   env: { GREETING: 'hello' },
   *   hostname: 'web',
   *   mounts: [{ type: 'tmpfs', destination: '/tmp' }],
   * });
   * if (container.stdout) console.log(await text(container.stdout)); // hello from web
   */
  async run(image: string | RunRequest, options: RunOptions = {}): Promise<Container> {
    const container = await this.#launch(...imageAndOptions(image, options), false);
    container.markRunning();
    return container;
  }

  /**
   * Everything but the program, which waits for `Container.start()`.
   *
   * @throws TsrunError as `run`; that the program cannot be executed shows when it is started: `exited` rejects
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.create('./rootfs', { command: ['true'] });
   * console.log(`/proc/${container.pid}/ns/net`); // …/ns/net
   * container.start();
   * await container.exited;
   */
  async create(image: string, options: RunOptions = {}): Promise<Container> {
    return this.#launch(image, options, true);
  }

  /**
   * The plan that `run` would execute, without touching anything: an image that is not unpacked yet is an error. `explain` gives it in
   * words, and needs no runtime.
   *
   * @throws TsrunError as `run` does before anything is touched
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { steps } = await runtime.plan('./rootfs', { command: ['true'] });
   * for (const { step, field } of steps) console.log(step.op, field);
   */
  async plan(image: string, options: RunOptions = {}): Promise<Plan> {
    validateImage(image, options);
    const id = options.id ?? 'run.0';
    checkContainerId(id);
    const idRange = options.namespaces?.user === 'host' || this.host.uid !== 0 ? undefined : { start: containerPool.start, size: RANGE_SIZE };
    const prepared = await this.#launching.prepare({ id, image, options, idRange });
    return this.#launching.compile(prepared, id, this.#own.name, false).plan;
  }

  /**
   * Executes a further program in a live container: in its namespaces and cgroup, behind its seccomp filter, with its
   * capabilities. Resolves when the program was executed.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` when the container has ended; `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_USER_NOT_FOUND`,
   * `ERR_TSRUN_COMMAND_NOT_FOUND`, `ERR_TSRUN_COMMAND_NOT_EXECUTABLE`, `ERR_TSRUN_LAUNCHER_LOST`; SetupError `ERR_TSRUN_SETUP`
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * const process = await runtime.exec(container, { command: ['ps'], stdout: 'inherit', env: { LC_ALL: 'C' } });
   * console.log((await process.exited).code);
   */
  async exec(container: Container, options: ExecOptions): Promise<ExecProcess> {
    if (container instanceof Container) return container.exec(options);
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `argument /container: expected a container, found ${show(container)}`, {
      field: '/container',
      hint: 'run, find and adopt give one; its name alone is not enough',
    });
  }

  /** @internal Unpacks, packs and lists trees, for images and copies; loaded when it is first asked for. */
  override async archiver(): Promise<Archiver> {
    const { Archiver } = await import('./archiver/archiver.js');
    this.checkOpen();
    this.#archiver ??= new Archiver({ launching: this.#launching, native: this.#native, host: this.host, named: this.#own });
    return this.#archiver;
  }

  /**
   * Ends every container of this process that does not survive, the work on images, and the launcher. It starts, finds and fetches
   * nothing more (`ERR_TSRUN_STATE`); what a pull has got is gone on with by the next.
   */
  async close(): Promise<void> {
    this.shut();
    const ends = [...this.containers, ...this.#starting].filter(({ record, kept }) => record.extensions.survive !== true && !kept).map((container) => container[Symbol.asyncDispose]());
    const images = this.#images.close();
    await Promise.all(images === undefined ? ends : [...ends, images]);
    await this.removals.end();
    this.#archiver?.close();
    this.#ranges.close();
    this.#own.launcher.close();
    await this.#survivor.close();
    this.leaveOthers();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #launch(image: string, options: RunOptions, awaitStart: boolean): Promise<Container> {
    validateImage(image, options);
    this.checkOpen();
    if (options.signal !== undefined) validateEventsOptions({ signal: options.signal });
    if (options.signal?.aborted === true) throw new TsrunError('ERR_TSRUN_ABORTED', 'the start was aborted', { cause: options.signal.reason });
    const named = options.id;
    if (named !== undefined) checkContainerId(named);
    for (;;) {
      const id = named ?? `run.${randomNumber(1000, 100_000)}`;
      try {
        return await this.#launchAs(id, image, options, awaitStart);
      } catch (error) {
        // Only a name that was chosen here may be chosen again.
        if (named !== undefined || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_EXISTS') throw error;
      }
    }
  }

  async #launchAs(id: string, image: string, options: RunOptions, awaitStart: boolean): Promise<Container> {
    const container = await this.#send(id, image, options, awaitStart);
    if (options.timeoutMs !== undefined) container.limitTime(options.timeoutMs);
    if (options.signal !== undefined) stopOnAbort(container, options.signal);
    // Until then the name may be another's, whom it must not push out.
    this.#starting.add(container);
    await container.started.finally(() => this.#starting.delete(container));
    if (container.exitStatus === undefined) this.live.set(id, container);
    return container;
  }

  /** A launcher of survivors that was killed before it was sent anything has made nothing: the next one is asked. */
  async #send(id: string, image: string, options: RunOptions, awaitStart: boolean, tries = mostLaunchers): Promise<Container> {
    const named = options.survive === true ? await this.#survivor.get() : this.#own;
    const range = options.namespaces?.user === 'host' || this.host.uid !== 0 ? undefined : this.#ranges.take();
    const onEnd = (container: Container | undefined) => {
      if (range !== undefined && !this.#mayGoOn(container)) this.#ranges.giveBack(range);
      if (container !== undefined && this.live.get(id) === container) this.live.delete(id);
    };
    try {
      return await this.#launching.launch({ id, image, options, awaitStart, idRange: range, named, onEnd });
    } catch (error) {
      if (options.survive !== true || tries <= 1 || this.isClosed || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_LAUNCHER_LOST') throw error;
    }
    return this.#send(id, image, options, awaitStart, tries - 1);
  }

  /** What this runtime has left, and does not know the end of, keeps its ids: `gc` lets go of them. */
  #mayGoOn(container: Container | undefined): boolean {
    if (!this.isClosed || container === undefined) return false;
    const { record, kept, exitStatus } = container;
    return (kept || record.extensions.survive === true) && (exitStatus === undefined || exitStatus.cause === 'lost');
  }
}
