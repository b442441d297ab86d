/** What a container and a process executed in one have in common: streams, signals, an end. */
import type { Readable, Writable } from 'node:stream';
import type { Launcher } from '../engine/launcher.js';
import type { ContainerEvent, ContainerListener } from '../engine/listener.js';
import type { EventCgroupChanged, EventExited } from '../plan/wire.generated.js';
import { TsrunError } from '../spec/errors.js';
import { parseSignal } from '../spec/signals.js';
import { deferred } from '../spec/deferred.js';
import { attend } from './attend.js';
import { exitStatus, lostStatus, type ExitStatus } from './state/exit-status.js';
import { deliveryNumber, type StopOptions } from './delivery.js';
import { nameDescriptors, type Descriptors, type Start } from './start.js';
import type { StartTimings } from './start-timings.js';
import { LazyStream, Terminal } from './streams.js';
import { validateSignal, validateStopOptions } from './options/validate-calls.js';

export interface ProcessSettings {
  readonly launcher: Launcher;
  readonly stopSignal: number;
  readonly stopTimeoutMs: number;
  /** The launcher keeps a writing end of the standard input, for later owners. */
  readonly keepsInput?: boolean;
  /** Something at pid 1 hands signals on to all others. */
  readonly hasReaper?: boolean;
  readonly resizeTerminal: (fd: number, rows: number, columns: number) => void;
}

/** What a container and a process executed in one can do. */
export class RunningProcess implements ContainerListener {
  readonly #settings: ProcessSettings;
  #start: Start | undefined;
  readonly #started = deferred<undefined>();
  readonly #exited = deferred<ExitStatus>();
  #handle = 0;
  #pid = 0;
  #status: ExitStatus | undefined;
  #stdin = new LazyStream(undefined, 'write');
  #stdout = new LazyStream(undefined, 'read');
  #stderr = new LazyStream(undefined, 'read');
  #terminal: Terminal | undefined;
  #endError: TsrunError | undefined;
  #kept = false;
  #timings: StartTimings | undefined;
  /** @internal Settled when nothing is being done for its first process, which may be gone by then. */
  attending: Promise<void> = Promise.resolve();

  /** @param start absent for what another process started */
  constructor(settings: ProcessSettings, start?: Start) {
    this.#settings = settings;
    this.#start = start;
    // Who does not ask how it ended is not told by an unhandled rejection.
    this.#exited.promise.catch(() => undefined);
    this.#started.promise.catch(() => undefined);
  }

  /** Pid of the first process, as the host counts; 0 before it is born. */
  get pid(): number {
    return this.#pid;
  }

  /** What the program reads; null unless it was given a pipe. `end()` gives it the end of the file. */
  get stdin(): Writable | null {
    return this.#stdin.get() ?? null;
  }

  /** What the program prints; null unless it was given a pipe. */
  get stdout(): Readable | null {
    return this.#stdout.get() ?? null;
  }

  /** What the program says of itself; null unless it was given a pipe. */
  get stderr(): Readable | null {
    return this.#stderr.get() ?? null;
  }

  /** The program's terminal; null unless it was given one. See `Terminal`. */
  get terminal(): Terminal | null {
    return this.#terminal ?? null;
  }

  /**
   * How it ended. Once the program ran it rejects only with `ERR_TSRUN_ABORTED`, when its AbortSignal ended it; a launcher
   * that died gives the cause `lost`.
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sh', '-c', 'exit 3'] });
   * const { code, cause, durationMs } = await container.exited;
   * console.log(code, cause, durationMs); // 3 exit …
   */
  get exited(): Promise<ExitStatus> {
    return this.#exited.promise;
  }

  /** How long each part of the start took; undefined until the program runs, and unless `RunOptions.timings` asked for it. */
  get timings(): StartTimings | undefined {
    return this.#timings;
  }

  /** How it ended; undefined while it runs. */
  get exitStatus(): ExitStatus | undefined {
    return this.#status;
  }

  /** Resolves when the program was executed (or, created, waits for that); `run` and `exec` have awaited it already. */
  get started(): Promise<undefined> {
    return this.#started.promise;
  }

  /**
   * Sends a signal to the first process, by pidfd: no reused pid can be hit (pidfd_send_signal(2)). As pid 1 it gets, but for
   * SIGKILL and SIGSTOP, only signals that it has a handler for (pid_namespaces(7)); `init: true` puts a reaper there.
   *
   * @param signal name or number; default SIGKILL
   * @throws TsrunError `ERR_TSRUN_STATE` when it has ended; `ERR_TSRUN_INVALID_ARGUMENT` for what is no signal
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * await container.kill('SIGKILL');
   * console.log((await container.exited).signal); // SIGKILL
   */
  async kill(signal: string | number = 'SIGKILL'): Promise<void> {
    validateSignal(signal);
    this.#checkLive();
    await this.#settings.launcher.signal(this.#handle, parseSignal(signal));
  }

  /**
   * Stop signal, grace, then SIGKILL to all of it. Resolves with how it ended, at once when it has.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for what is no signal, and for a delivery without a reaper; `ERR_TSRUN_ABORTED` when
   * its AbortSignal ended it
   *
   * @example
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'], init: true });
   * const { signal } = await container.stop({ signal: 'SIGTERM', graceMs: 5000 });
   * console.log(signal);
   */
  async stop(options: StopOptions = {}): Promise<ExitStatus> {
    validateStopOptions(options);
    if (this.#status !== undefined) return this.#status;
    const { signal = this.#settings.stopSignal, graceMs = this.#settings.stopTimeoutMs, delivery = 'main' } = options;
    const number = deliveryNumber(delivery, this.#settings.hasReaper === true);
    const timer = graceMs < 0 ? undefined : setTimeout(() => void this.killAll().catch(() => undefined), graceMs);
    // It may have ended by itself in this moment.
    await this.#settings.launcher.signal(this.#handle, parseSignal(signal), number).catch(() => undefined);
    try {
      return await this.#exited.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Kills every process of it at once: by `cgroup.kill` (Linux 5.14); without a cgroup the first process, with which its pid namespace ends.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` when it has ended
   */
  async killAll(): Promise<void> {
    this.#checkLive();
    await this.#settings.launcher.killAll(this.#handle);
  }

  /**
   * Lets it live on when this process ends, as with `survive`. What nobody reads then stops it when the pipe is full, and
   * ends it when it is gone: start it with `log` (in a container: `detachable`) if it prints.
   * @throws TsrunError `ERR_TSRUN_STATE` when it has ended, or is not of this process
   */
  async keep(): Promise<void> {
    this.#checkLive();
    await this.#settings.launcher.keep(this.#handle);
    this.#kept = true;
  }

  /** It was let live on by `keep`. */
  get kept(): boolean {
    return this.#kept;
  }

  /** @internal The number by which its launcher knows it. */
  get handle(): number {
    return this.#handle;
  }

  /** @internal */
  get launcher(): Launcher {
    return this.#settings.launcher;
  }

  /** @internal The handle under which the launcher knows it; called right after the launch. */
  bind(handle: number): void {
    this.#handle = handle;
  }

  /** @internal Takes over streams by descriptor. */
  take(pid: number, descriptors: Descriptors): void {
    this.#pid = pid;
    this.#stdin = new LazyStream(descriptors.get('stdin'), 'write', () => {
      if (this.#settings.keepsInput === true && this.#status === undefined) this.launcher.closeInput(this.#handle);
    });
    this.#stdout = new LazyStream(descriptors.get('stdout'), 'read');
    this.#stderr = new LazyStream(descriptors.get('stderr'), 'read');
    const master = descriptors.get('terminal');
    if (master !== undefined) this.#terminal = new Terminal(master, descriptors.get('terminalOutput'), this.#settings.resizeTerminal);
    this.#started.resolve(undefined);
  }

  /** @internal */
  onEvent(event: ContainerEvent, descriptors: readonly number[]): void {
    switch (event.op) {
      case 'started':
        this.#onStarted(event.pid, descriptors);
        break;
      case 'reached':
        this.attending = attend(this.#start, event.pid, this, (error) => { this.endsAs(error); });
        break;
      case 'cgroupChanged':
        this.onCgroupChanged?.(event);
        break;
      case 'failed':
        this.#fail(this.#start?.explain(event) ?? new TsrunError('ERR_TSRUN_STATE', 'it did not start'));
        break;
      case 'exited':
        this.onReports?.(event);
        this.#end(exitStatus(event));
        break;
    }
  }

  /** A created container says so twice: when it waits, with its streams, and when its program runs. */
  #onStarted(pid: number, descriptors: readonly number[]): void {
    const runs = this.#pid !== 0 || this.#start?.awaitsStart !== true;
    if (this.#pid === 0) this.take(pid, this.#start === undefined ? new Map() : nameDescriptors(this.#start.plan, descriptors));
    if (!runs) return;
    this.#timings = this.#start?.watch?.finish();
    this.#start = undefined;
  }

  /** @internal */
  onLost(error: TsrunError): void {
    if (this.#pid === 0) this.#fail(error);
    else this.#end(lostStatus());
  }

  /** An event file of the cgroup changed; only containers have such. */
  protected onCgroupChanged?(event: EventCgroupChanged): void;

  /** The last figures of its cgroup, before its end is told. */
  protected onReports?(event: EventExited): void;

  /** Called once, when it has ended (with how) or could not start. */
  protected onEnd?(status: ExitStatus | undefined): void;

  /** What only this process knows of the end. */
  protected judge(status: ExitStatus): ExitStatus {
    return status;
  }

  /** Rejects `exited` once it has ended, and `started` when it could not start, with this. */
  protected endsAs(error: TsrunError): void {
    this.#endError = error;
  }

  /** By now its launcher may have been left. */
  #checkLive(): void {
    if (this.#status !== undefined) throw new TsrunError('ERR_TSRUN_STATE', 'it has ended');
  }

  #end(told: ExitStatus): void {
    const status = this.judge(told);
    this.#status = status;
    this.#disposeStreams();
    this.onEnd?.(status);
    if (this.#endError === undefined) this.#exited.resolve(status);
    else this.#exited.reject(this.#endError);
  }

  #fail(reason: Error): void {
    const error = this.#endError ?? reason;
    this.#start?.watch?.close();
    this.#disposeStreams();
    this.onEnd?.(undefined);
    this.#started.reject(error);
    this.#exited.reject(error);
  }

  /** What was printed last may still be read. */
  #disposeStreams(): void {
    this.#stdin.dispose();
    this.#terminal?.dispose();
  }
}
