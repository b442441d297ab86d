/**
 * One connection to one launcher: requests with descriptors out, events in. It knows nothing of what a container is;
 * who launches a plan gives a listener, which hears everything that becomes of it.
 */
import { Socket } from 'node:net';
import { protocolVersion, type EventAnswered, type EventReady, type LauncherEvent, type Request } from '../plan/wire.generated.js';
import { TsrunError } from '../spec/errors.js';
import { deferred } from '../spec/deferred.js';
import { broken, closed, deaf, hostRefused, lost, noRoom, refused } from './faults.js';
import { eventStream, Incoming } from './incoming.js';
import type { Answer, ContainerListener, Waiting } from './listener.js';
import { Outbox } from './outbox.js';
import { LauncherRequests } from './requests.js';
import type { Addon, NativeFiles } from './addon.js';

export class Launcher extends LauncherRequests {
  readonly #addon: Addon;
  readonly #requests: number;
  readonly #outbox: Outbox;
  readonly #events: Socket;
  readonly #listeners = new Map<number, ContainerListener>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #incoming = new Incoming();
  readonly #ready = deferred<EventReady>();
  /** Until then the program must not end: somebody waits for the launcher's first word. */
  #isReady = false;
  #nextHandle = 1;
  #closed = false;
  /** It went away by itself. */
  #isLost = false;

  /** Takes over the request socket: it is closed if no connection comes of it. */
  private constructor(addon: Addon, requests: number) {
    super();
    const [ours, theirs] = eventStream(addon, requests);
    this.#addon = addon;
    this.#requests = requests;
    this.#outbox = new Outbox(addon, requests);
    this.#events = new Socket({ fd: ours, readable: true, writable: false });
    if (this.#events.pending) {
      for (const descriptor of [ours, theirs]) addon.closeDescriptor(descriptor);
      this.close();
      throw deaf();
    }
    // Nobody could catch what is thrown in here: it would end the embedding program.
    this.#events.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk);
      } catch (error) {
        this.#lose(error);
      }
    });
    this.#events.on('error', () => undefined);
    this.#events.on('close', () => { this.#lose(); });
    this.#ready.promise.catch(() => undefined);
    this.#greet(theirs);
  }

  /** `rootless`: for an ordinary user. Such a launcher waits in a user namespace until its maps are written. */
  static start({ addon, launcherPath, reaperPath }: NativeFiles, rootless: boolean): Launcher {
    try {
      return new Launcher(addon, addon.startLauncher(launcherPath, reaperPath, rootless));
    } catch (error) {
      throw hostRefused('the launcher cannot be started', error);
    }
  }

  #greet(theirs: number): void {
    try {
      this.#send({ op: 'hello', protocol: protocolVersion }, [theirs], [theirs]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The launcher's first word: its pid, and whether it waits for `mapped`. */
  get ready(): Promise<EventReady> {
    return this.#ready.promise;
  }

  /** Asked for a container that it cannot know: whatever it answers, it lives. */
  async isAlive(): Promise<boolean> {
    try {
      await this.signal(0, 0);
      return true;
    } catch (error) {
      // One that is closed, also meanwhile, has answered nothing.
      return !this.#closed && TsrunError.is(error) && error.code === 'ERR_TSRUN_STATE';
    }
  }

  static connect(native: NativeFiles, path: string): Launcher {
    return new Launcher(native.addon, native.addon.connectLauncher(path));
  }

  /** Runs a plan; gives the handle by which later requests name the container. */
  launch(id: string, plan: Uint8Array, descriptors: readonly number[], listener: ContainerListener): number {
    const container = this.#nextHandle++;
    this.#listeners.set(container, listener);
    this.#updateRef();
    try {
      if (this.#closed) throw this.#gone();
      this.#outbox.sendPlan(container, id, plan, descriptors);
      return container;
    } catch (error) {
      this.#forget(container);
      throw error;
    }
  }

  #forget(container: number): void {
    this.#listeners.delete(container);
    this.#updateRef();
  }

  /** Lets a created container execute its program. */
  startProgram(container: number): void {
    this.#send({ op: 'start', container }, []);
  }

  /** Lets a container go on whose first process waits for this client. */
  proceed(container: number): void {
    this.#send({ op: 'proceed', container }, []);
  }

  /** Hears from now on of a container that another client owns; `own` takes over a surviving one. Gives its handle here. */
  async adopt(id: string, own: boolean, listener: ContainerListener): Promise<number> {
    const container = this.#nextHandle++;
    this.#listeners.set(container, listener);
    try {
      await this.ask((request) => ({ op: 'adopt', request, container, id, own }));
      return container;
    } catch (error) {
      this.#forget(container);
      throw error;
    }
  }

  /** Ends the connection. The launcher kills the containers that do not survive their owner, and ends with the last. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
    this.#addon.closeDescriptor(this.#requests);
    this.#events.destroy();
  }

  /** It has died, or does not answer: so hears whoever waits for something of it, or asks it after this. */
  abandon(): void {
    this.#isLost ||= !this.#closed;
    this.close();
  }

  protected ask(make: (request: number) => Request): Promise<Answer> {
    const request = this.#nextHandle++;
    const message = make(request);
    return new Promise((resolve, reject) => {
      this.#send(message, []);
      this.#waiting.set(request, { op: message.op, resolve, reject });
      this.#updateRef();
    });
  }

  protected tell(request: Request): void {
    if (this.#closed) return;
    try {
      this.#send(request, []);
    } catch (error) {
      if (!TsrunError.is(error)) throw error;
    }
  }

  #send(request: Request, descriptors: readonly number[], owned: readonly number[] = []): void {
    if (this.#closed) throw this.#gone();
    this.#outbox.send(request, descriptors, owned);
  }

  #take(chunk: Buffer): void {
    for (const event of this.#incoming.take(chunk)) {
      this.#handle(event);
      if (this.#closed) return;
    }
    // Each event is a sign that there may be room again.
    this.#outbox.sendRest((request, error) => {
      this.#failRequest(request, error);
    });
  }

  #failRequest(request: Request, error: TsrunError): void {
    if (request.op === 'launch') {
      const listener = this.#listeners.get(request.container);
      this.#forget(request.container);
      listener?.onLost(error);
    } else if ('request' in request) {
      this.#waiting.get(request.request)?.reject(error);
      this.#waiting.delete(request.request);
    }
  }

  #handle(event: LauncherEvent): void {
    if (event.op === 'ready') {
      this.#isReady = true;
      this.#ready.resolve(event);
      this.#updateRef();
      return;
    }
    if (event.op === 'listening' || event.op === 'listeningLost') {
      this.hear(event);
      return;
    }
    const descriptors = this.#receive(event);
    if (event.op === 'answered') this.#answer(event, descriptors);
    if (event.op === 'answered') return;
    const listener = this.#listeners.get(event.container);
    if (event.op === 'exited' || event.op === 'failed') this.#listeners.delete(event.container);
    if (descriptors === undefined) this.#endWithout(event.container, listener);
    else listener?.onEvent(event, descriptors);
    this.#updateRef();
  }

  /** Undefined when not all have arrived that the event tells of. */
  #receive(event: LauncherEvent): readonly number[] | undefined {
    if (!('descriptors' in event) || event.descriptors === 0) return [];
    const descriptors = this.#addon.receive(this.#requests);
    if (descriptors.length === event.descriptors) return descriptors;
    for (const descriptor of descriptors) this.#addon.closeDescriptor(descriptor);
    return undefined;
  }

  /** A program without the streams that were asked for is none that anybody wants. */
  #endWithout(container: number, listener: ContainerListener | undefined): void {
    this.#listeners.delete(container);
    this.killAll(container).catch(() => undefined);
    listener?.onLost(noRoom());
  }

  #answer(event: EventAnswered, descriptors: readonly number[] | undefined): void {
    const waiting = this.#waiting.get(event.request);
    this.#waiting.delete(event.request);
    this.#updateRef();
    if (event.error !== 0) waiting?.reject(refused(event.error, waiting.op));
    else if (descriptors === undefined) waiting?.reject(noRoom());
    else waiting?.resolve({ event, descriptors });
  }

  #gone(): TsrunError {
    return this.#isLost ? lost() : closed();
  }

  #lose(cause?: unknown): void {
    this.#isLost ||= !this.#closed;
    const error = cause === undefined ? this.#gone() : broken(cause);
    this.#ready.reject(error);
    this.close();
    for (const listener of this.#listeners.values()) listener.onLost(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#listeners.clear();
    this.#waiting.clear();
  }

  #updateRef(): void {
    // A socket that is gone waits for a connection with each of these (net.js of Node).
    if (this.#closed) return;
    if (!this.#isReady || this.#listeners.size + this.#waiting.size > 0) this.#events.ref();
    else this.#events.unref();
  }
}
