/** The runtime: one launcher, and the containers that it makes for this process. */
import { prepareBase } from '../cgroup/layout.js';
import { loadNative, type NativeFiles } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import { SeccompCache } from '../engine/seccomp.js';
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { show } from '../spec/quote.js';
import { connectTo, joinSurvivor, startLauncher, type NamedLauncher } from './connection.js';
import type { HandedOver, Plan } from '../plan/plan.js';
import { containerPool, RANGE_SIZE } from '../host/id-ranges.js';
import { Container } from './container.js';
import type { ExecOptions, ExecProcess } from './exec.js';
import { filterStore } from './filter-store.js';
import { collectGarbage, type Collected } from './garbage.js';
import { IdRanges } from './id-ranges.js';
import { readIsolation } from './isolation.js';
import type { IsolationReport } from './isolation-report.js';
import { checkStateRoot } from './make-folder.js';
import type { RunOptions } from './options.js';
import { randomNumber } from './random.js';
import { Launching } from './launching.js';
import { defaultStateRoot, StateRoot } from './state-root.js';
import { subordinateIds } from './subordinate.js';
import { listSummaries, readSummary, type ContainerSummary } from './summary.js';
import { validateDescriptor, validateEventsOptions, validateImage, validateRuntimeOptions, validateWindowOf } from './validate-calls.js';

/** What `Runtime.open` may be asked for. */
export interface RuntimeOptions {
  /**
   * Where runtime state lies: an absolute path of at most 74 bytes, since sockets are bound below it (unix(7)). Default:
   * `$TSRUN_ROOT`, else `/run/tsrun` for root and `$XDG_RUNTIME_DIR/tsrun` for others.
   */
  readonly root?: string;
}

interface Opened {
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly root: StateRoot;
  readonly own: NamedLauncher;
  readonly collected: Collected;
}

/**
 * One launcher, and the containers that it makes for this process. Any number of runtimes may be open in one process; they
 * do not meet but in their state root.
 *
 * @example
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const container = await runtime.run('./rootfs', { command: ['/bin/echo', 'hello'], stdout: 'inherit' });
 * const { code } = await container.exited;
 */
export class Runtime {
  /** What this host can do; probed once, when the runtime was opened. */
  readonly host: HostFacts;
  /** What dead launchers had left in the state root, and was removed when it was opened. */
  readonly collected: Collected;
  readonly #native: NativeFiles;
  readonly #root: StateRoot;
  readonly #own: NamedLauncher;
  readonly #ranges: IdRanges;
  readonly #launching: Launching;
  readonly #containers = new Map<string, Container>();
  #closed = false;
  #survivor: Promise<NamedLauncher> | undefined;
  /** Connections for containers of other processes, one each. */
  readonly #visited = new Set<Launcher>();

  private constructor({ native, host, root, own, collected }: Opened) {
    this.#native = native;
    this.host = host;
    this.collected = collected;
    this.#root = root;
    this.#own = own;
    const seccomp = new SeccompCache((profile) => native.addon.compileSeccomp(profile), host.arch, filterStore(root.filtersPath, native.addonPath));
    this.#ranges = new IdRanges(root.rangesPath, own.name);
    this.#launching = new Launching({ addon: native.addon, host, root, seccomp, subordinate: host.uid === 0 ? undefined : subordinateIds() });
  }

  /**
   * Starts a launcher (Linux 5.14), and removes what dead ones left in the state root.
   *
   * @throws TsrunError `ERR_TSRUN_NATIVE_LOAD` without addon or launcher; `ERR_TSRUN_INVALID_ARGUMENT` for a state root whose path
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
    const probed = probeHost({ native: native.addon });
    const root = new StateRoot(options.root ?? defaultStateRoot(probed.uid, process.env));
    root.make();
    const host = { ...probed, cgroup: prepareBase(probed.cgroup).cgroup };
    const collected = await collectGarbage(root, native.addon);
    return new Runtime({ native, host, root, own: await startLauncher(native, root, host.uid !== 0), collected });
  }

  /**
   * Runs an image: an unpacked root file system folder or an OCI bundle folder. Resolves when its program was executed; an
   * error undoes everything before it.
   *
   * @throws TsrunError before anything is touched: `ERR_TSRUN_IMAGE`, `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_INVALID_SPEC`,
   * `ERR_TSRUN_UNSUPPORTED`, `ERR_TSRUN_USER_NOT_FOUND`, `ERR_TSRUN_LIMIT_UNAVAILABLE`, `ERR_TSRUN_HOST`, `ERR_TSRUN_ABORTED`
   * @throws TsrunError `ERR_TSRUN_EXISTS` for a name that is taken, `ERR_TSRUN_COMMAND_NOT_FOUND`,
   * `ERR_TSRUN_COMMAND_NOT_EXECUTABLE`, `ERR_TSRUN_LAUNCHER_LOST`; SetupError `ERR_TSRUN_SETUP` for any other step that failed
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
  async run(image: string, options: RunOptions = {}): Promise<Container> {
    const container = await this.#launch(image, options, false);
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
   * The plan that `run` would execute, without touching anything. `explain` gives it in words, and needs no runtime.
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

  /** Live containers of this process: those that it made here or adopted. */
  get containers(): readonly Container[] {
    return [...this.#containers.values()];
  }

  /**
   * Every container in the state root, whoever started it; none whose record cannot be read, which `inspect` tells of.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * for (const { id, state, pid } of runtime.list()) console.log(id, state, pid);
   */
  list(): ContainerSummary[] {
    return listSummaries(this.#root);
  }

  /**
   * What is known of a container, whoever started it, from its record and its cgroup.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` for a record of another version
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { id } = await runtime.run('./rootfs', { command: ['sleep', '1000'], labels: { team: 'web' } });
   * const { state, record } = runtime.inspect(id);
   * console.log(state, record.labels, record.spec.process?.args);
   */
  inspect(id: string): ContainerSummary {
    checkContainerId(id);
    const summary = readSummary(this.#root, id);
    if (summary !== undefined) return summary;
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container '${id}'`, { hint: 'tsrun ps -a lists them' });
  }

  /**
   * Which walls stand around a live container, as the kernel tells it now.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { id } = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * const { namespaces, capabilities, seccomp } = runtime.isolation(id);
   * console.log(namespaces.filter((each) => each.sharedWithHost).map((each) => each.type), capabilities.effective, seccomp.mode);
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended, `ERR_TSRUN_HOST` without the right to look
   */
  isolation(id: string): IsolationReport {
    const summary = this.inspect(id);
    const others = this.list().filter((other) => other.id !== id);
    return readIsolation({ summary, others, host: this.host, stillRuns: () => readSummary(this.#root, id)?.pid === summary.pid });
  }

  /**
   * A live container that any process started, to signal, stop, wait for, look at, or execute in.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using owner = await Runtime.open();
   * const { id } = await owner.run('./rootfs', { command: ['sleep', '1000'] });
   * await using other = await Runtime.open(); // as another process would
   * const { cause } = await (await other.find(id)).stop({ graceMs: 100 });
   * console.log(cause);
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended
   */
  async find(id: string): Promise<Container> {
    return this.#containers.get(id) ?? this.#connect(id, 'watch');
  }

  /**
   * A live container that any process started, as `find` gives it, with its streams from now on. Any number of processes may
   * be attached to one that keeps a log; its owner stays its owner.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended, or keeps no log
   *
   * @example
   * import { once } from 'node:events';
   * import { Runtime } from 'tsrun';
   * await using owner = await Runtime.open();
   * const { id } = await owner.run('./rootfs', { command: ['sh', '-c', 'while sleep 0.1; do date; done'], log: true, stdout: 'ignore' });
   * await using other = await Runtime.open(); // as another process would
   * const { stdout } = await other.attach(id);
   * if (stdout) console.log(String(await once(stdout, 'data')));
   */
  async attach(id: string): Promise<Container> {
    return this.#connect(id, 'attach');
  }

  /**
   * Takes over a container that survived its owner, with its output from now on. What it printed before is in its log.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended, or has an owner
   *
   * @example
   * import { Runtime } from 'tsrun';
   * const first = await Runtime.open();
   * const { id } = await first.run('./rootfs', { command: ['sleep', '1000'], survive: true });
   * await first.close(); // the container lives on
   * await using second = await Runtime.open();
   * const container = await second.adopt(id);
   * await container.stop({ graceMs: 100 });
   */
  async adopt(id: string): Promise<Container> {
    const container = await this.#connect(id, 'adopt');
    this.#containers.set(id, container);
    return container;
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

  /**
   * Forgets a container that has ended and was kept (`autoRemove: false`): its record and its log.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has not ended
   */
  remove(id: string): void {
    const { state, record } = this.inspect(id);
    if (state !== 'stopped') throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is ${state}`, { hint: 'stop it first, or kill it with rm -f' });
    this.#root.removeContainer(record);
  }

  /** Folder of the container's record and log, for `readLog`; there need not be one. */
  statePath(id: string): string {
    checkContainerId(id);
    return this.#root.containerPath(id);
  }

  /** Removes what dead launchers left. Runs by itself when a state root is opened. */
  async gc(): Promise<Collected> {
    return collectGarbage(this.#root, this.#native.addon);
  }

  /** Sets the size of a terminal by its descriptor, in characters (ioctl_tty(2), TIOCSWINSZ). A container's own has `Terminal.resize`. */
  resizeTerminal(fd: number, rows: number, columns: number): void {
    validateWindowOf(fd, rows, columns);
    this.#native.addon.setWindowSize(fd, rows, columns);
  }

  /** Has a terminal of the caller's pass every byte as it is, both ways; after Node's `setRawMode(true)`, which leaves the output changed. */
  makeRaw(fd: number): void {
    validateDescriptor(fd);
    this.#native.addon.makeRaw(fd);
  }

  /**
   * Ends every container of this process that does not survive, and the launcher. Once closed, it starts and finds nothing more
   * (`ERR_TSRUN_STATE`).
   */
  async close(): Promise<void> {
    this.#closed = true;
    const ends = this.containers.filter(({ record, kept }) => record.extensions.survive !== true && !kept).map((container) => container[Symbol.asyncDispose]());
    await Promise.all(ends);
    this.#ranges.close();
    this.#own.launcher.close();
    (await this.#survivor?.catch(() => undefined))?.launcher.close();
    for (const launcher of this.#visited) launcher.close();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #launch(image: string, options: RunOptions, awaitStart: boolean): Promise<Container> {
    validateImage(image, options);
    this.#checkOpen();
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
    const named = options.survive === true ? await this.#joinSurvivor() : this.#own;
    const range = options.namespaces?.user === 'host' || this.host.uid !== 0 ? undefined : this.#ranges.take();
    const onEnd = (container: Container | undefined) => {
      if (range !== undefined && !this.#mayGoOn(container)) this.#ranges.giveBack(range);
      if (container !== undefined && this.#containers.get(id) === container) this.#containers.delete(id);
    };
    const container = await this.#launching.launch({ id, image, options, awaitStart, idRange: range, named, onEnd });
    this.#containers.set(id, container);
    container.limitTime(options.timeoutMs);
    if (options.signal !== undefined) stopOnAbort(container, options.signal);
    await container.started;
    return container;
  }

  /** What this runtime has left, and does not know the end of, keeps its ids: `gc` lets go of them. */
  #mayGoOn(container: Container | undefined): boolean {
    if (!this.#closed || container === undefined) return false;
    const { record, kept, exitStatus } = container;
    return (kept || record.extensions.survive === true) && (exitStatus === undefined || exitStatus.cause === 'lost');
  }

  async #joinSurvivor(): Promise<NamedLauncher> {
    const before = this.#survivor;
    const known = await before?.catch(() => undefined);
    if (known !== undefined && (await known.launcher.isAlive())) return known;
    // Whoever of many starts comes here first looks for a new one.
    if (this.#survivor === undefined || this.#survivor === before) this.#survivor = this.#startSurvivor(known);
    return this.#survivor;
  }

  /** What the one before has left would keep names and ids taken. */
  async #startSurvivor(lost: NamedLauncher | undefined): Promise<NamedLauncher> {
    lost?.launcher.close();
    if (lost !== undefined) await this.gc();
    return joinSurvivor(this.#native, this.#root, this.host.uid !== 0);
  }

  #checkOpen(): void {
    if (this.#closed) throw new TsrunError('ERR_TSRUN_STATE', 'the runtime is closed', { hint: 'open another' });
  }

  async #connect(id: string, role: 'watch' | 'attach' | 'adopt'): Promise<Container> {
    this.#checkOpen();
    const { record, state, pid } = this.inspect(id);
    if (state === 'stopped') throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' has ended`, { hint: 'tsrun inspect says how' });
    const launcher = connectTo(this.#native, this.#root, record.launcher);
    this.#visited.add(launcher);
    const leave = () => {
      this.#visited.delete(launcher);
      launcher.close();
    };
    const onEnd = (container: Container | undefined) => {
      leave();
      if (container !== undefined && this.#containers.get(id) === container) this.#containers.delete(id);
    };
    const container = new Container(this.#launching.settings({ record, launcher, warnings: [], onEnd }));
    try {
      container.bind(await launcher.adopt(id, role === 'adopt', container));
      container.take(pid ?? 0, role !== 'watch' ? nameStreams(await launcher.attach(container.handle)) : new Map());
      if (state !== 'created') container.markFound();
      return container;
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** As the launcher names them when a client attaches: what a terminal prints comes as its output. */
function nameStreams(streams: ReadonlyMap<string, number>): Map<HandedOver, number> {
  const named = new Map<HandedOver, number>();
  const terminal = streams.get('terminal');
  for (const name of ['stdin', 'stdout', 'stderr', 'terminal'] as const) {
    const fd = streams.get(name);
    if (fd !== undefined) named.set(name === 'stdout' && terminal !== undefined ? 'terminalOutput' : name, fd);
  }
  return named;
}

/** Stop, then kill; `exited`, and `started` until the program runs, then reject with the signal's reason as cause. */
function stopOnAbort(container: Container, signal: AbortSignal): void {
  const onAbort = () => {
    container.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const forget = () => {
    signal.removeEventListener('abort', onAbort);
  };
  container.exited.then(forget, forget);
}
