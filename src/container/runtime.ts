/**
 * The runtime: one launcher, and the containers that it makes for this process.
 *
 * @example
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const container = await runtime.run('./rootfs', { command: ['/bin/echo', 'hello'], stdout: 'inherit' });
 * const { code } = await container.exited;
 */
import { randomInt } from 'node:crypto';
import { prepareBase } from '../cgroup/layout.js';
import { loadNative, type NativeFiles } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import { SeccompCache } from '../engine/seccomp.js';
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { connectTo, joinSurvivor, startLauncher, type NamedLauncher } from './connection.js';
import type { HandedOver, Plan } from '../plan/plan.js';
import { containerPool, RANGE_SIZE } from '../host/id-ranges.js';
import { Container } from './container.js';
import { executeIn, type ExecOptions, type ExecProcess } from './exec.js';
import { collectGarbage, type Collected } from './garbage.js';
import { IdRanges } from './id-ranges.js';
import { readIsolation } from './isolation.js';
import type { IsolationReport } from './isolation-report.js';
import type { RunOptions } from './options.js';
import { Launching } from './launching.js';
import { defaultStateRoot, StateRoot } from './state-root.js';
import { subordinateIds } from './subordinate.js';
import { listSummaries, readSummary, type ContainerSummary } from './summary.js';

export interface RuntimeOptions {
  /** Where runtime state lies. Default: `$TSRUN_ROOT`, else `/run/tsrun` for root and `$XDG_RUNTIME_DIR/tsrun` for others. */
  readonly root?: string;
}

interface Opened {
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly root: StateRoot;
  readonly own: NamedLauncher;
  readonly collected: Collected;
}

export class Runtime {
  readonly host: HostFacts;
  /** What dead launchers had left in the state root, and was removed when it was opened. */
  readonly collected: Collected;
  readonly #native: NativeFiles;
  readonly #root: StateRoot;
  readonly #own: NamedLauncher;
  readonly #seccomp: SeccompCache;
  readonly #ranges: IdRanges;
  readonly #launching: Launching;
  readonly #containers = new Map<string, Container>();
  #survivor: Promise<NamedLauncher> | undefined;
  /** Connections for containers of other processes, one each. */
  readonly #visited = new Set<Launcher>();

  private constructor({ native, host, root, own, collected }: Opened) {
    this.#native = native;
    this.host = host;
    this.collected = collected;
    this.#root = root;
    this.#own = own;
    this.#seccomp = new SeccompCache((profile) => native.addon.compileSeccomp(profile), host.arch);
    this.#ranges = new IdRanges(root.rangesPath, own.name);
    this.#launching = new Launching({ addon: native.addon, host, root, seccomp: this.#seccomp, subordinate: host.uid === 0 ? undefined : subordinateIds() });
  }

  /**
   * Starts a launcher, and removes what dead ones left in the state root.
   * @throws TsrunError `ERR_TSRUN_NATIVE_LOAD`, `ERR_TSRUN_HOST`
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const native = loadNative();
    const probed = probeHost({ native: native.addon });
    const host = { ...probed, cgroup: prepareBase(probed.cgroup).cgroup };
    const root = new StateRoot(options.root ?? defaultStateRoot(host.uid, process.env));
    root.make();
    const collected = await collectGarbage(root, native.addon);
    return new Runtime({ native, host, root, own: await startLauncher(native, root, host.uid !== 0), collected });
  }

  /**
   * Runs an image: an unpacked root file system folder or an OCI bundle folder. Resolves when its program was executed.
   * @throws TsrunError `ERR_TSRUN_IMAGE`, `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_LIMIT_UNAVAILABLE`, `ERR_TSRUN_COMMAND_NOT_FOUND`, `ERR_TSRUN_SETUP` …
   */
  async run(image: string, options: RunOptions = {}): Promise<Container> {
    const container = await this.#launch(image, options, false);
    container.markRunning();
    return container;
  }

  /** Everything but the program: `start()` executes it. */
  async create(image: string, options: RunOptions = {}): Promise<Container> {
    return this.#launch(image, options, true);
  }

  /** The plan that `run` would execute, without touching anything. */
  async plan(image: string, options: RunOptions = {}): Promise<Plan> {
    const id = options.id ?? 'run.0';
    checkContainerId(id);
    const idRange = options.namespaces?.user === 'host' || this.host.uid !== 0 ? undefined : { start: containerPool.start, size: RANGE_SIZE };
    const prepared = await this.#launching.prepare({ id, image, options, idRange });
    return this.#launching.compile(prepared, id, this.#own.name, false).plan;
  }

  /** Containers of this process. */
  get containers(): readonly Container[] {
    return [...this.#containers.values()];
  }

  /** Every container in the state root, whoever started it; none whose record cannot be read, which `inspect` tells of. */
  list(): ContainerSummary[] {
    return listSummaries(this.#root);
  }

  /** @throws TsrunError `ERR_TSRUN_NOT_FOUND` */
  inspect(id: string): ContainerSummary {
    checkContainerId(id);
    const summary = readSummary(this.#root, id);
    if (summary !== undefined) return summary;
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container '${id}'`, { hint: 'tsrun ps -a lists them' });
  }

  /**
   * Which walls stand around a live container, as the kernel tells it now.
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended, `ERR_TSRUN_HOST` without the right to look
   */
  isolation(id: string): IsolationReport {
    const summary = this.inspect(id);
    const others = this.list().filter((other) => other.id !== id);
    return readIsolation({ summary, others, host: this.host, stillRuns: () => readSummary(this.#root, id)?.pid === summary.pid });
  }

  /**
   * A live container that any process started, to signal, stop, wait for, look at, or execute in.
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended
   */
  async find(id: string): Promise<Container> {
    return this.#containers.get(id) ?? this.#connect(id, 'watch');
  }

  /**
   * A live container that any process started, as `find` gives it, with its streams from now on. Any number of processes may
   * be attached to one that keeps a log; its owner stays its owner.
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended
   */
  async attach(id: string): Promise<Container> {
    return this.#connect(id, 'attach');
  }

  /** Takes over a container that survived its owner, with its output from now on. What it printed before is in its log. */
  async adopt(id: string): Promise<Container> {
    const container = await this.#connect(id, 'adopt');
    this.#containers.set(id, container);
    return container;
  }

  /** Executes a further program in a live container. */
  async exec(container: Container, options: ExecOptions): Promise<ExecProcess> {
    const { addon } = this.#native;
    return executeIn(container, options, { host: this.host, addon, seccomp: this.#seccomp });
  }

  /** Forgets a container that has ended: its record and its log. */
  remove(id: string): void {
    const { state, record } = this.inspect(id);
    if (state !== 'stopped') throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is ${state}`, { hint: 'stop it first, or kill it with rm -f' });
    this.#root.removeContainer(record);
  }

  /** Where the container's record and log lie. */
  statePath(id: string): string {
    checkContainerId(id);
    return this.#root.containerPath(id);
  }

  /** Removes what dead launchers left. Runs by itself when a state root is opened. */
  async gc(): Promise<Collected> {
    return collectGarbage(this.#root, this.#native.addon);
  }

  /** Resizes a terminal by its descriptor; for who attached to one. */
  resizeTerminal(fd: number, rows: number, columns: number): void {
    this.#native.addon.setWindowSize(fd, rows, columns);
  }

  /** Has a terminal of the caller's pass every byte as it is, both ways; after Node's `setRawMode(true)`, which leaves the output changed. */
  makeRaw(fd: number): void {
    this.#native.addon.makeRaw(fd);
  }

  /** Ends every container of this process that does not survive, and the launcher. */
  async close(): Promise<void> {
    const ends = this.containers.filter(({ record, kept }) => record.extensions.survive !== true && !kept).map((container) => container[Symbol.asyncDispose]());
    await Promise.all(ends);
    this.#ranges.close();
    this.#own.launcher.close();
    if (this.#survivor !== undefined) (await this.#survivor).launcher.close();
    for (const launcher of this.#visited) launcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #launch(image: string, options: RunOptions, awaitStart: boolean): Promise<Container> {
    if (options.signal?.aborted === true) throw new TsrunError('ERR_TSRUN_ABORTED', 'the start was aborted', { cause: options.signal.reason });
    const named = options.id;
    if (named !== undefined) checkContainerId(named);
    for (;;) {
      const id = named ?? `run.${randomInt(1000, 100_000)}`;
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
      if (range !== undefined) this.#ranges.giveBack(range);
      if (container !== undefined && this.#containers.get(id) === container) this.#containers.delete(id);
    };
    const container = await this.#launching.launch({ id, image, options, awaitStart, idRange: range, named, onEnd });
    this.#containers.set(id, container);
    if (options.signal !== undefined) stopOnAbort(container, options.signal);
    await container.started;
    return container;
  }

  async #joinSurvivor(): Promise<NamedLauncher> {
    this.#survivor ??= joinSurvivor(this.#native, this.#root, this.host.uid !== 0);
    return this.#survivor;
  }

  async #connect(id: string, role: 'watch' | 'attach' | 'adopt'): Promise<Container> {
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
      container.markRunning();
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
