/** One container, as its owner sees it, or as another process that knows its id sees it. */
import type { Socket } from 'node:net';
import { freeze, isFrozen, thaw } from '../cgroup/control.js';
import { readStats } from '../cgroup/read-stats.js';
import type { ContainerStats } from '../cgroup/stats.js';
import type { HostFacts } from '../host/facts.js';
import type { EventCgroupChanged, EventExited } from '../plan/wire.generated.js';
import { TsrunError } from '../spec/errors.js';
import type { Resources } from '../spec/types.js';
import { changeLimits } from './apply-limits.js';
import { addressBytes, addressFamily, connected } from './connect.js';
import { ended } from './state/ended.js';
import { EventCounters, EventStream, type ContainerEvent } from './events.js';
import { execOptions, type ExecOptions } from './options/exec-options.js';
import type { ExecProcess } from './exec.js';
import type { ExitStatus } from './state/exit-status.js';
import type { LimitOptions } from './options/options.js';
import type { ContainerRecord } from './state/record.js';
import { hasOwnReaper, type StopOptions } from './delivery.js';
import { RunningProcess, type ProcessSettings } from './running-process.js';
import type { Start } from './start.js';
import { TimeLimit } from './time-limit.js';
import { memoryLimits, resourcesOf } from './update-limits.js';
import { validateConnect, validateEventsOptions } from './options/validate-calls.js';

/** `created` waits for `start()`; `running` is also one that is paused; `stopped` has ended. */
export type ContainerState = 'created' | 'running' | 'stopped';

export interface ContainerSettings extends ProcessSettings {
  readonly record: ContainerRecord;
  readonly host: HostFacts;
  readonly warnings: readonly string[];
  readonly onEnd: (container: Container | undefined) => void;
  readonly execute: (container: Container, options: ExecOptions) => Promise<ExecProcess>;
}

/**
 * A container: of this process by `Runtime.run`, `create` and `adopt`; of any other by `Runtime.find` and `attach`. With
 * `await using` it has ended when its block is left.
 *
 * @example
 * import { once } from 'node:events';
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using container = await runtime.run('./rootfs', { command: ['sh', '-c', 'echo ready; sleep 1000'], stderr: 'inherit' });
 * if (container.stdout) await once(container.stdout, 'data');
 * console.log(container.id, container.state, container.pid);
 */
export class Container extends RunningProcess {
  readonly #settings: ContainerSettings;
  readonly #events = new EventStream<ContainerEvent>();
  readonly #counters = new EventCounters();
  #state: ContainerState = 'created';
  #timeLimit: TimeLimit | undefined;

  constructor(settings: ContainerSettings, start?: Start) {
    super({ ...settings, hasReaper: hasOwnReaper(settings.record) }, start);
    this.#settings = settings;
  }

  /** Its name, unique in its state root. */
  get id(): string {
    return this.#settings.record.id;
  }

  /** What was remembered of it when it was made: spec, image, labels, cgroup. */
  get record(): ContainerRecord {
    return this.#settings.record;
  }

  /** Where it is in its life, as this process knows it; `Runtime.inspect` also tells of a pause. */
  get state(): ContainerState {
    return this.#state;
  }

  /** Limits that were defaults and that this host does not hold, and fields of a bundle that are not used, as sentences. */
  get warnings(): readonly string[] {
    return this.#settings.warnings;
  }

  /**
   * Executes the program of a container that `Runtime.create` made.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` unless it is `created`
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.create('./rootfs', { command: ['echo', 'hello'], stdout: 'inherit' });
   * console.log(container.state); // created
   * container.start();
   * await container.exited;
   */
  start(): void {
    if (this.#state !== 'created') throw new TsrunError('ERR_TSRUN_STATE', `the container '${this.id}' is ${this.#state}, not created`);
    this.launcher.startProgram(this.handle);
    this.markRunning();
  }

  /** @internal The program was, or is about to be, executed. */
  markRunning(): void {
    this.#state = 'running';
    this.#events.pushFirst({ type: 'started', pid: this.pid });
    this.#timeLimit?.begin(this.exited, async () => this.stop());
  }

  /** @internal It runs already, since another process had it started. */
  markFound(): void {
    this.#state = 'running';
  }

  /** @internal From when its program runs. */
  limitTime(timeoutMs: number): void {
    this.#timeLimit = new TimeLimit(timeoutMs);
  }

  protected override judge(status: ExitStatus): ExitStatus {
    return this.#timeLimit?.judge(status) ?? status;
  }

  /**
   * Executes a further program in the live container, as `Runtime.exec` does.
   *
   * @param command program and arguments, or all that `ExecOptions` has
   * @throws TsrunError as `Runtime.exec`
   *
   * @example
   * import { text } from 'node:stream/consumers';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * const { stdout } = await container.exec(['sh', '-c', 'id -u']);
   * if (stdout) console.log(await text(stdout)); // 0
   */
  async exec(command: readonly string[] | ExecOptions): Promise<ExecProcess> {
    return this.#settings.execute(this, execOptions(command));
  }

  /**
   * Stops every process of the container where it stands, until `resume` (cgroup.freeze).
   *
   * @throws TsrunError `ERR_TSRUN_STATE` when it has ended; `ERR_TSRUN_HOST` without a cgroup
   *
   * @example
   * // needs: cgroup2
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * await container.pause();
   * console.log(runtime.inspect(container.id).state); // paused
   * await container.resume();
   */
  async pause(): Promise<void> {
    await freeze(this.#cgroup());
  }

  /** Lets a container go on that `pause` has stopped. @throws TsrunError as `pause` */
  async resume(): Promise<void> {
    await thaw(this.#cgroup());
  }

  /** Also ends one that is paused: what is frozen hears no signal but SIGKILL. */
  override async stop(options: StopOptions = {}): Promise<ExitStatus> {
    const ended = super.stop(options);
    if (this.#state !== 'stopped' && this.record.cgroup !== '' && isFrozen(this.record.cgroup)) await this.resume().catch(() => undefined);
    return ended;
  }

  /**
   * Changes limits of the live container, in the runtime-spec's words; `updateLimits` takes those of `RunOptions`.
   *
   * @throws TsrunError `ERR_TSRUN_LIMIT_UNAVAILABLE` for a limit that this host cannot hold, `ERR_TSRUN_INVALID_ARGUMENT`,
   * `ERR_TSRUN_UNSUPPORTED` for what cgroup v2 does not have, and for `devices`; `ERR_TSRUN_STATE` when it has ended, or uses more;
   * `ERR_TSRUN_HOST` without a cgroup; `ERR_TSRUN_SETUP` for what the kernel does not take. Nothing is changed then
   *
   * @example
   * // needs: cgroup2:memory, cgroup2:pids
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'], memory: '64m' });
   * await container.update({ memory: { limit: 128 * 2 ** 20 }, pids: { limit: 50 } });
   * console.log((await container.stats()).memory?.maxBytes); // 134217728
   */
  async update(resources: Resources): Promise<void> {
    await changeLimits(this.#cgroup(), resources, this.#settings.host);
  }

  /**
   * The same in the words of `RunOptions`; what is left out stays as it is.
   *
   * @throws TsrunError as `update`
   *
   * @example
   * // needs: cgroup2:memory
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'], memory: '64m' });
   * await container.updateLimits({ memory: '128m' });
   */
  async updateLimits(options: LimitOptions): Promise<void> {
    await this.update(resourcesOf(options, await memoryLimits(this.#cgroup())));
  }

  /**
   * What it uses now; absent figures are of controllers that are not on cgroup v2.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` when it has ended; `ERR_TSRUN_HOST` without a cgroup
   *
   * @example
   * // needs: cgroup2
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * const { cpu, memory, pids } = await container.stats();
   * console.log(cpu.usageUs, memory?.currentBytes, pids?.current);
   */
  async stats(): Promise<ContainerStats> {
    const stats = await readStats(this.#cgroup());
    if (stats === undefined) throw ended(this.id);
    return stats;
  }

  /**
   * Typed events from this call on, the first reader's with `started`; nothing is polled, nothing is lost between two reads. Ends
   * after `exited`, or when the signal is aborted.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1'] });
   * for await (const event of container.events()) {
   *   if (event.type === 'oom') console.error('killed for want of memory', event.kills);
   *   if (event.type === 'exited') console.log(event.status.code);
   * }
   */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ContainerEvent> {
    validateEventsOptions(options);
    return this.#events.read(options.signal);
  }

  /**
   * A connected socket to a TCP port inside the container's network namespace, whatever network it has: none has to be set up,
   * and no port of the host is taken.
   *
   * @param port 1 to 65535
   * @param options `host`: an address, not a name, without `%interface`; default 127.0.0.1
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_STATE` when it has ended, or nothing listens there
   *
   * @example
   * import { once } from 'node:events';
   * import { text } from 'node:stream/consumers';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sh', '-c', 'busybox httpd -p 8080; echo up; sleep 1000'] });
   * if (container.stdout) await once(container.stdout, 'data');
   * const socket = await container.connect(8080);
   * socket.end('GET / HTTP/1.0\r\n\r\n');
   * console.log(await text(socket)); // HTTP/1.1 404 …
   */
  async connect(port: number, options: { readonly host?: string } = {}): Promise<Socket> {
    validateConnect(port, options);
    const { host = '127.0.0.1' } = options;
    return connected(await this.launcher.connect(this.handle, addressFamily(host), addressBytes(host), port), `the container '${this.id}' takes no connection to ${host} port ${port}`);
  }

  /** @internal For an AbortSignal: stop, then kill; `exited` rejects with `ERR_TSRUN_ABORTED`. Who has no program yet has nothing to stop. */
  abort(cause: unknown): void {
    this.endsAs(new TsrunError('ERR_TSRUN_ABORTED', `the container '${this.id}' was aborted`, { cause }));
    (this.#state === 'running' ? this.stop() : this.killAll()).catch(() => undefined);
  }

  /** Ends it, whatever it takes, within moments. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.exitStatus !== undefined) return;
    await this.killAll().catch(() => undefined);
    await this.exited.catch(() => undefined);
  }

  protected override onCgroupChanged(event: Pick<EventCgroupChanged, 'file' | 'content'>): void {
    for (const change of this.#counters.read(event)) this.#events.push(change);
  }

  /** What moved last is told by the figures of the end alone: the first process may be gone before its cgroup is looked at. */
  protected override onReports({ reports, contents }: EventExited): void {
    for (const [index, file] of reports.entries()) this.onCgroupChanged({ file, content: contents[index] ?? '' });
  }

  protected override onEnd(status: ExitStatus | undefined): void {
    this.#state = 'stopped';
    if (status !== undefined) this.#events.push({ type: 'exited', status });
    this.#events.end();
    this.#settings.onEnd(this);
  }

  #cgroup(): string {
    if (this.#state === 'stopped') throw ended(this.id);
    if (this.record.cgroup !== '') return this.record.cgroup;
    throw new TsrunError('ERR_TSRUN_HOST', `the container '${this.id}' has no cgroup`, { hint: 'cgroup v2 is not writable for this user: see tsrun doctor' });
  }
}
