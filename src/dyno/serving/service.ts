/** The connections of a process type: spread over its dynos, held until one is up, and counted, so that dynos can be drained and put to sleep. */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { absence, isComing, leastLoaded, type Backend } from './backends.js';
import { Changes } from './changes.js';
import { Idler } from './idler.js';
import { Links, type Link } from './links.js';
import { refusalLine, type RefusalCode } from './refusal.js';
import { reset } from './splice.js';

/** A program that listens takes a connection on loopback at once, unless its queue is full. */
const connectTimeoutMs = 5000;
/** Who refuses is mostly about to end, which is told within moments. */
const afterRefusalMs = 1000;

export interface ServiceSettings {
  readonly type: string;
  readonly clock: Clock;
  /** All dynos of the type. */
  readonly backends: () => readonly Backend[];
  readonly idleAfterMs?: number;
  /** A line of the router's. */
  readonly log: (message: string) => void;
}

/** What a connection asks for. */
export interface Demand {
  readonly port: number;
  readonly waitMs: number;
}

/** Of a connection that has no dyno yet. */
interface Wait {
  readonly client: Socket;
  readonly untilMs: number;
  /** Containers that took no connection, and how the last of them refused. */
  readonly refusers: Set<object | undefined>;
  refused?: { readonly code: RefusalCode; readonly atMs: number };
}

export class Service {
  readonly #settings: ServiceSettings;
  readonly #changes: Changes;
  readonly #idler: Idler | undefined;
  readonly #links: Links;
  readonly #turns = new WeakMap<Backend, number>();
  /** Containers that get no new connections. */
  readonly #retired = new WeakSet();
  #turn = 0;
  #isClosed = false;

  constructor(settings: ServiceSettings) {
    const { clock, idleAfterMs } = settings;
    this.#settings = settings;
    this.#changes = new Changes(clock);
    this.#links = new Links(clock);
    if (idleAfterMs === undefined) return;
    this.#idler = new Idler(clock, idleAfterMs, () => {
      for (const backend of settings.backends()) backend.sleep();
    });
  }

  /** Resolves when the connection is over, one way or the other. */
  async serve(client: Socket, { port, waitMs }: Demand): Promise<void> {
    const { clock, type, log } = this.#settings;
    const from = client.remoteAddress ?? '';
    client.on('error', () => undefined);
    this.#idler?.begin();
    const refusal = await this.#serve({ client, untilMs: clock.now() + waitMs, refusers: new Set() }, port);
    if (refusal !== undefined && !client.destroyed && !this.#isClosed) log(refusalLine(refusal, type, from));
    reset(client);
    this.#idler?.end();
  }

  /** Something became of a dyno. */
  changed(): void {
    this.#changes.tell();
    this.#links.cutOrphans();
    if (!this.#isClosed && this.#settings.backends().some(({ prospect }) => prospect === 'serves')) this.#idler?.rest();
  }

  /** It gets no new connections; resolves when it has none any more, or after so long. */
  async drain(backend: Backend, drainMs: number): Promise<void> {
    const { container } = backend;
    if (container === undefined) return;
    this.#retired.add(container);
    const { clock } = this.#settings;
    const untilMs = clock.now() + drainMs;
    while (backend.container === container && this.#links.count(backend) > 0 && clock.now() < untilMs && !this.#isClosed) await this.#changes.next(untilMs);
  }

  /** Nobody waits any longer; the connections that there are go on. */
  close(): void {
    this.#isClosed = true;
    this.#idler?.stop();
    this.#changes.tell();
  }

  /** What is left of them is reset. */
  reset(): void {
    this.#links.reset();
  }

  /** Until it is over, or why there was none. */
  async #serve(wait: Wait, port: number): Promise<RefusalCode | undefined> {
    for (;;) {
      const backend = await this.#find(wait);
      if (typeof backend === 'string') return backend;
      const link = this.#links.add(backend, wait.client);
      try {
        const code = await this.#pass(link, port);
        if (code === undefined) return undefined;
        wait.refusers.add(link.container);
        wait.refused = { code, atMs: this.#settings.clock.now() };
      } finally {
        this.#links.remove(link);
        this.#changes.tell();
      }
    }
  }

  async #pass(link: Link, port: number): Promise<RefusalCode | undefined> {
    const dyno = await this.#connect(link.backend, port);
    if (typeof dyno === 'string') return dyno;
    await this.#links.pass(link, dyno);
    return undefined;
  }

  async #find(wait: Wait): Promise<Backend | RefusalCode> {
    const { clock, backends } = this.#settings;
    for (;;) {
      const all = backends();
      for (const backend of all) backend.wake();
      const found = this.#choose(all, wait);
      if (found !== undefined) return found;
      const untilMs = isComing(all, wait.untilMs) ? wait.untilMs : this.#untilChange(all, wait);
      if (untilMs === undefined || wait.client.destroyed || this.#isClosed) return absence(all);
      if (clock.now() >= untilMs) return wait.refused?.code ?? 'H20';
      await this.#changes.next(untilMs, wait.client);
    }
  }

  #choose(all: readonly Backend[], { refusers }: Wait): Backend | undefined {
    const free = all.filter((backend) => this.#isServing(backend) && !refusers.has(backend.container));
    const chosen = leastLoaded(free, (backend) => ({ open: this.#links.count(backend), turn: this.#turns.get(backend) ?? 0 }));
    if (chosen !== undefined) this.#turns.set(chosen, ++this.#turn);
    return chosen;
  }

  #isServing({ prospect, container }: Backend): boolean {
    return prospect === 'serves' && container !== undefined && !this.#retired.has(container);
  }

  /** Where those that serve have refused, and no other is coming. */
  #untilChange(all: readonly Backend[], { refused, untilMs }: Wait): number | undefined {
    return refused !== undefined && all.some((backend) => this.#isServing(backend)) ? Math.min(untilMs, refused.atMs + afterRefusalMs) : undefined;
  }

  async #connect(backend: Backend, port: number): Promise<Socket | RefusalCode> {
    return new Promise((resolve) => {
      const giveUp = () => {
        settle('H19');
        settle = (result) => {
          if (typeof result === 'object') result.destroy();
        };
      };
      const cancel = this.#settings.clock.after(connectTimeoutMs, giveUp);
      let settle = (result: Socket | RefusalCode) => {
        cancel();
        resolve(result);
      };
      backend.connect(backend.ownPort?.(port) ?? port).then((socket) => {
        settle(socket);
      }, () => {
        settle('H21');
      });
    });
  }
}
