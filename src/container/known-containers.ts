/** Containers that are there, whoever started them: how this process comes to them, and ends them. What is known of them: `recorded-containers.ts`. */
import type { NativeFiles } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import type { HostFacts } from '../host/facts.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { answered, connectTo } from './connection.js';
import { Container } from './container.js';
import type { Archiver } from './archiver/archiver.js';
import { opaqueFolders } from './image-files.js';
import type { PathChange } from '../image/image-types.js';
import { validateEventsOptions } from './options/validate-calls.js';
import type { ContainerTree, TreeOptions } from './container-tree.js';
import { introduce } from './introduce.js';
import { refuseMounted } from './mounts/refuse-mounted.js';
import { ended } from './state/ended.js';
import { discard, isUnreadable } from './state/discard.js';
import { collectGarbage, type Collected } from './state/garbage.js';
import type { Launching } from './launching.js';
import { RecordedContainers } from './recorded-containers.js';
import type { Places } from './state/places.js';
import type { StateRoot } from './state/state-root.js';
import type { Removals } from './state/removals.js';
import { removeUpper, tryHoldUpper, upperOf } from './state/uppers.js';

export interface KnownContainersInput extends Places {
  readonly host: HostFacts;
  readonly launching: Launching;
}

/** What a `Runtime` knows and does of containers that are there already. */
export abstract class KnownContainers extends RecordedContainers {
  /** Those of this process by name: made here, or adopted. */
  protected readonly live = new Map<string, Container>();
  readonly #native: NativeFiles;
  protected readonly removals: Removals;
  readonly #root: StateRoot;
  readonly #launching: Launching;
  readonly #imageRoot: string;
  /** Connections for containers of other processes, one each. */
  readonly #visited = new Set<Launcher>();
  #closed = false;

  protected constructor({ native, host, root, launching, imageRoot }: KnownContainersInput) {
    super({ root, host });
    this.#native = native;
    [this.#root, this.#launching] = [root, launching];
    this.removals = launching.removals;
    this.#imageRoot = imageRoot;
  }

  /** Live containers of this process: those that it made here or adopted. */
  get containers(): readonly Container[] {
    return [...this.live.values()];
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
    return this.live.get(id) ?? (await this.#connect(id, 'watch')).container;
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
    return (await this.#connect(id, 'attach')).container;
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
    const { container } = await this.#connect(id, 'adopt');
    this.live.set(id, container);
    return container;
  }

  /**
   * Forgets a container that has ended and was kept (`autoRemove: false`): its record and its log.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has not ended, or its files are just being copied
   */
  remove(id: string): void {
    const { state, record } = this.inspect(id);
    if (state !== 'stopped') throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is ${state}`, { hint: 'stop it first, or kill it with rm -f' });
    refuseMounted(this.#root, record);
    const upper = upperOf(record.extensions);
    const release = upper === undefined ? undefined : tryHoldUpper(upper, this.#native.addon);
    if (upper !== undefined && release === undefined) throw new TsrunError('ERR_TSRUN_STATE', `the files of the container '${id}' are in use: something is being copied`, { hint: 'try again when that is done' });
    this.#root.removeContainer(record);
    release?.();
    if (upper !== undefined) this.removals.add(removeUpper(upper, this.#native.addon));
  }

  /**
   * Ends a container by its cgroup alone, and forgets it: for one that cannot be found or removed in any other way, since its record
   * cannot be read or its launcher does not answer.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_HOST` where processes of it do not end
   */
  async discard(id: string): Promise<void> {
    checkContainerId(id);
    if (!isUnreadable(this.#root, id)) this.inspect(id);
    await discard({ root: this.#root, cgroup: this.host.cgroup, addon: this.#native.addon }, id);
  }

  /**
   * What a container has changed of its image, by path: also of one that is paused, and of one that has ended while its writes are kept
   * on disk. A folder counts as changed when something below it is. What tsrun put there itself does not count: mount points, and
   * /etc/hosts and its like as long as they are as they were.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` when it has ended and its writes with it; `ERR_TSRUN_UNSUPPORTED` for one
   * that writes to its root itself; `ERR_TSRUN_ABORTED`
   *
   * @example
   * import { once } from 'node:events';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const { id, stdout } = await runtime.run('./rootfs', { command: ['sh', '-c', 'echo new > /root/file; echo done; sleep 1000'] });
   * if (stdout) await once(stdout, 'data');
   * for (const { kind, path } of await runtime.changes(id)) console.log(kind, path);
   */
  async changes(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<readonly PathChange[]> {
    validateEventsOptions(options);
    const { state, record } = this.inspect(id);
    const live = state === 'stopped' ? undefined : await this.find(id);
    const [{ readChanges }, archiver] = await Promise.all([import('./changes/container-changes.js'), this.archiver()]);
    return readChanges({ record, live, archiver, host: this.host, isOpaque: opaqueFolders(this.#native.addon, this.host), signal: options.signal });
  }

  /** Removes what dead launchers left. Runs by itself when a state root is opened. */
  async gc(): Promise<Collected> {
    return collectGarbage(this.#root, this.#native.addon, this.host.cgroup, this.#imageRoot);
  }

  /** @internal See `Runtime.archiver`. */
  abstract archiver(): Promise<Archiver>;

  /** @internal The tree of a container, live or ended, for the archiver; to be released. @throws as `openContainerTree` */
  async openTree(id: string, options: TreeOptions): Promise<ContainerTree> {
    this.checkOpen();
    checkContainerId(id);
    const { openContainerTree } = await import('./container-tree.js');
    const known = this.live.get(id);
    const reach = async () => (known === undefined ? this.#connect(id, 'watch') : { container: known, leave: () => undefined });
    return openContainerTree({ root: this.#root, addon: this.#native.addon, reach }, id, options);
  }

  /** @internal For what stands above containers. */
  get places(): Places {
    return { root: this.#root, native: this.#native, imageRoot: this.#imageRoot };
  }

  /** @internal Nothing can be started or found by it any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  protected checkOpen(): void {
    if (this.#closed) throw new TsrunError('ERR_TSRUN_STATE', 'the runtime is closed', { hint: 'open another' });
  }

  /** From now on nothing is started or found. */
  protected shut(): void {
    this.#closed = true;
  }

  protected leaveOthers(): void {
    for (const launcher of this.#visited) launcher.close();
  }

  async #connect(id: string, role: 'watch' | 'attach' | 'adopt'): Promise<Connected> {
    this.checkOpen();
    const { record, state, pid } = this.inspect(id);
    if (state === 'stopped') throw ended(id, 'tsrun inspect says how');
    const launcher = connectTo(this.#native, this.#root, record.launcher);
    this.#visited.add(launcher);
    const leave = () => {
      this.#visited.delete(launcher);
      launcher.close();
    };
    const onEnd = (container: Container | undefined) => {
      leave();
      if (container !== undefined && this.live.get(id) === container) this.live.delete(id);
    };
    const container = new Container(this.#launching.settings({ record, launcher, warnings: [], onEnd }));
    try {
      await answered(introduce(container, launcher, role, pid), `the launcher of the container '${id}'`);
      if (state !== 'created') container.markFound();
      return { container, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }
}

interface Connected {
  readonly container: Container;
  readonly leave: () => void;
}
