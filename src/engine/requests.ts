/** What a launcher can be asked, beside what begins to hear of a container. */
import type { EventListening, EventListeningLost, Request } from '../plan/wire.generated.js';
import { noRoom } from './faults.js';
import type { Answer } from './listener.js';

/** Where a TCP socket listens; `lost`: some were not told; `ended`: there were too many, and none is told from now on. */
export type Listening = { readonly port: number; readonly address: Uint8Array } | 'lost' | 'ended';

export abstract class LauncherRequests {
  readonly #hearers = new Map<number, (told: Listening) => void>();

  protected abstract ask(make: (request: number) => Request): Promise<Answer>;

  /** Where nobody could catch what it throws: that the launcher is gone, its listeners hear. */
  protected abstract tell(request: Request): void;

  /** The id maps are written. */
  async mapped(): Promise<void> {
    await this.ask((request) => ({ op: 'mapped', request }));
  }

  /** `delivery`: to the first process alone, or what a reaper there makes of it (native/init/execution.h). */
  async signal(container: number, signal: number, delivery = 0): Promise<void> {
    await this.ask((request) => ({ op: 'signal', request, container, signal, delivery }));
  }

  async killAll(container: number): Promise<void> {
    await this.ask((request) => ({ op: 'killAll', request, container }));
  }

  async listen(path: string): Promise<void> {
    await this.ask((request) => ({ op: 'listen', request, path }));
  }

  /** Lets go of what is mounted at a path of the host; `lazy`: also while it is used. */
  async unmount(path: string, lazy: boolean): Promise<void> {
    await this.ask((request) => ({ op: 'unmount', request, path, lazy }));
  }

  /** Has a container of this client live on without it. */
  async keep(container: number): Promise<void> {
    await this.ask((request) => ({ op: 'keep', request, container }));
  }

  /** The streams of a container that keeps its output, from now on, by name. */
  async attach(container: number): Promise<Map<string, number>> {
    const { event: { texts }, descriptors } = await this.ask((request) => ({ op: 'attach', request, container }));
    return new Map(texts.map((name, index) => [name, descriptors[index] ?? -1]));
  }

  /** A descriptor of a TCP socket that was connected inside the container's network namespace. */
  async connect(container: number, family: number, address: Uint8Array, port: number): Promise<number> {
    const { descriptors: [socket] } = await this.ask((request) => ({ op: 'connect', request, container, family, address, port }));
    if (socket === undefined) throw noRoom();
    return socket;
  }

  /** The program is to read the end of its standard input, of which the launcher keeps a writing end. */
  closeInput(container: number): void {
    this.tell({ op: 'closeInput', container });
  }

  /** Tells of each TCP socket of a container of this client that begins to listen from now on. Rejects where the kernel cannot tell, or it has no cgroup. */
  async watchListening(container: number, hear: (told: Listening) => void): Promise<void> {
    this.#hearers.set(container, hear);
    try {
      await this.ask((request) => ({ op: 'watchListening', request, container }));
    } catch (error) {
      this.#hearers.delete(container);
      throw error;
    }
  }

  endListening(container: number): void {
    if (this.#hearers.delete(container)) this.tell({ op: 'endListening', container });
  }

  protected hear(event: EventListening | EventListeningLost): void {
    this.#hearers.get(event.container)?.(listeningOf(event));
  }
}

function listeningOf(event: EventListening | EventListeningLost): Listening {
  if (event.op === 'listening') return { port: event.port, address: event.address };
  return event.ended ? 'ended' : 'lost';
}
