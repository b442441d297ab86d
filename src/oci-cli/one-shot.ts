/** A launcher for one command: started, given one plan, and gone when the command has what it wanted. */
import { Incoming } from '../engine/incoming.js';
import { Writer } from '../plan/codec.js';
import { encodePlan, type Plan } from '../plan/plan.js';
import { encodeRequest, protocolVersion, type EventReached, type LauncherEvent, type Request } from '../plan/wire.generated.js';
import { systemErrorName } from '../spec/errno.js';
import { launcherWords, mapLauncher } from './launcher-ids.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

/** Of the one container. */
const handle = 1;
const pieceBytes = 65_536;
const mapRequest = 1;
/** What goes into one message; more goes in a sealed file. */
const mostMessageBytes = 128 * 1024;

export interface LaunchConduct {
  readonly reached?: (event: EventReached) => void;
  readonly releaseAtStart?: boolean;
}

export class OneShotLauncher {
  readonly #pid: number;
  readonly #requests: number;
  readonly #events: number;
  readonly #incoming = new Incoming();
  readonly #pending: LauncherEvent[] = [];

  /**
   * It is not waited for: until `launch`, it gets ready beside what else there is to do.
   *
   * @param beside of an ordinary user: a process of a container that is there already
   */
  constructor(beside?: number) {
    const own = host.realPath('/proc/self/exe');
    const folder = own.slice(0, own.lastIndexOf('/'));
    const { requests, pid } = host.startLauncher(`${folder}/tsrun-launcher`, `${folder}/tsrun-reaper`, launcherWords(beside));
    const [ours, theirs] = host.streamPair();
    this.#pid = pid;
    this.#requests = requests;
    this.#events = ours;
    this.#send({ op: 'hello', protocol: protocolVersion }, [theirs]);
    host.close(theirs);
  }

  #awaitReady(): void {
    const ready = this.#await(['ready']);
    if (ready.op !== 'ready' || !ready.awaitsMaps) return;
    mapLauncher(ready.pid);
    this.#send({ op: 'mapped', request: mapRequest }, []);
    const answer = this.#await(['answered']);
    if (answer.op === 'answered' && answer.error !== 0) throw new RuntimeError(`the launcher cannot settle in its user namespace: ${systemErrorName(answer.error)}`);
  }

  /**
   * Gives the process when it waits to be started, or runs; `failed` when a step failed.
   *
   * @param how.reached told of steps that the caller has to know of; the process may wait for `proceed`
   * @param how.releaseAtStart it is not waited for
   */
  launch(id: string, plan: Plan, descriptors: readonly number[], { reached = () => undefined, releaseAtStart = false }: LaunchConduct = {}): LauncherEvent {
    const bytes = encodePlan(plan);
    this.#awaitReady();
    if (bytes.length <= mostMessageBytes) {
      this.#send({ op: 'launch', container: handle, id, releaseAtStart, planInDescriptor: false, plan: bytes }, descriptors);
    } else {
      const file = host.sealBytes(bytes);
      this.#send({ op: 'launch', container: handle, id, releaseAtStart, planInDescriptor: true, plan: new Uint8Array() }, [file, ...descriptors]);
      host.close(file);
    }
    for (;;) {
      const event = this.#await(['reached', 'started', 'failed']);
      if (event.op !== 'reached') return event;
      reached(event);
    }
  }

  /** Descriptors that came with an event. */
  receive(): number[] {
    return host.receive(this.#requests);
  }

  /** Lets it go on that waits for us. */
  proceed(): void {
    this.#send({ op: 'proceed', container: handle }, []);
  }

  start(): void {
    this.#send({ op: 'start', container: handle }, []);
  }

  kill(): void {
    this.#send({ op: 'killAll', request: 2, container: handle }, []);
  }

  /**
   * Passes signals and a terminal's bytes on, to and from a process, until it ended.
   *
   * @param notices a socket, or -1, of which is read until `hear` gives true
   */
  awaitExit(process: number, terminal: number, notices = -1, hear: () => boolean = () => true): LauncherEvent {
    let heard = false;
    return this.#await(['exited', 'failed'], () => {
      while (host.watchForeground(this.#events, process, terminal, heard ? -1 : notices)) heard = hear();
    });
  }

  /** The container goes on without the launcher. */
  release(): void {
    this.#send({ op: 'release', request: 3, container: handle }, []);
    const answer = this.#await(['answered']);
    if (answer.op === 'answered' && answer.error !== 0) throw new RuntimeError(`the launcher does not let go of the container: ${systemErrorName(answer.error)}`);
  }

  /** Ends the launcher, with the container that it still holds. */
  close(): void {
    host.close(this.#requests);
    host.close(this.#events);
    host.waitFor(this.#pid);
  }

  #send(request: Request, descriptors: readonly number[]): void {
    const writer = new Writer(request.op === 'launch' ? request.plan.length + 512 : 256);
    encodeRequest(writer, request);
    const error = host.send(this.#requests, writer.finish(), descriptors);
    if (error !== 0) throw new RuntimeError(`the launcher does not listen: ${systemErrorName(error)}`);
  }

  /** Passes over what else is said until then. */
  #await(wanted: readonly LauncherEvent['op'][], wait: () => void = () => undefined): LauncherEvent {
    for (;;) {
      for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) if (wanted.includes(event.op)) return event;
      wait();
      const piece = host.read(this.#events, pieceBytes);
      if (piece.length === 0) throw new RuntimeError('the launcher died');
      this.#pending.push(...this.#incoming.take(Buffer.from(piece)));
    }
  }
}
