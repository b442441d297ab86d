/** The drains of a formation. They are loaded when there is one. */
import type { Clock } from '../clock.js';
import type { DynoNews } from '../events.js';
import { queueBytes, type LogHub } from '../log/hub.js';
import { drainOverflow, localOverflow } from '../log/overflow.js';
import { LogQueue } from '../log/queue.js';
import { Drain } from './drain.js';
import type { DrainChoice } from './drain-options.js';
import type { LogSink } from './function-sink.js';
import type { Sink } from './sink.js';
import { parseDrainUrl, type ParsedDrain, type Target } from './target.js';
import { contextOf, type Trust } from './trust.js';

/** How long the end of a formation waits for what its drains still hold. */
const graceMs = 5000;

export interface DrainsSettings {
  /** Of the formation. */
  readonly app: string;
  readonly hub: LogHub;
  readonly clock: Clock;
  readonly onEvent: (event: DynoNews) => void;
}

export class Drains {
  readonly #settings: DrainsSettings;
  readonly #drains = new Map<Drain, LogQueue>();

  constructor(settings: DrainsSettings) {
    this.#settings = settings;
  }

  get list(): readonly Drain[] {
    return [...this.#drains.keys()];
  }

  async add(choice: DrainChoice): Promise<Drain> {
    const { app, hub, clock, onEvent } = this.#settings;
    const { to, ...given } = typeof choice === 'object' ? choice : { to: choice };
    const { target, settings } = parsed(to);
    const { token = `d.${globalThis.crypto.randomUUID()}`, bufferBytes = queueBytes, blocks = false, ...trust } = { ...settings, ...given };
    const sink = await sinkOf(target, { app, token, trust, clock });
    const isFar = target.kind === 'http' || target.kind === 'syslog';
    const queue = new LogQueue({ mostBytes: bufferBytes, overflow: isFar ? drainOverflow : localOverflow, blocks });
    const { name } = target;
    const drain: Drain = new Drain({
      name, token, sink, queue, hub, clock,
      newId: () => globalThis.crypto.randomUUID(),
      changed: (state, lost, error) => {
        onEvent({ type: 'drain', dyno: 'logplex', timeMs: clock.now(), drain: name, state, lost, ...(error !== undefined && { error }) });
      },
    });
    this.#drains.set(drain, queue);
    hub.attach(queue);
    return drain;
  }

  /** Whether it was there. Resolves when what it held is delivered, or the time for that is over. */
  async remove(drain: Drain): Promise<boolean> {
    const queue = this.#drains.get(drain);
    if (queue === undefined) return false;
    this.#drains.delete(drain);
    this.#settings.hub.detach(queue);
    await drain.end(graceMs);
    return true;
  }

  async close(): Promise<void> {
    await Promise.all(this.list.map(async (drain) => this.remove(drain)));
  }
}

type AnyTarget = Target | { readonly kind: 'function'; readonly name: string; readonly sink: LogSink };

function parsed(to: string | LogSink): Pick<ParsedDrain, 'settings'> & { readonly target: AnyTarget } {
  return typeof to === 'string' ? parseDrainUrl(to) : { target: { kind: 'function', name: 'function', sink: to }, settings: {} };
}

interface Surroundings {
  readonly app: string;
  readonly token: string;
  readonly clock: Clock;
  readonly trust: Trust;
}

async function sinkOf(target: AnyTarget, { app, token, trust, clock }: Surroundings): Promise<Sink> {
  switch (target.kind) {
    case 'http':
      return new (await import('./http-sink.js')).HttpSink(target, token, async () => (target.url.protocol === 'https:' ? contextOf(trust) : undefined));
    case 'syslog':
      if (target.transport === 'udp') return new (await import('./datagram-sink.js')).DatagramSink(target, token);
      return new (await import('./stream-sink.js')).StreamSink(target, token, target.transport === 'tls' ? async () => contextOf(trust) : undefined);
    case 'file':
      return new (await import('./file-sink.js')).FileSink(target, token);
    case 'journal':
      return new (await import('./journal-sink.js')).JournalSink(target, app, clock);
    case 'function':
      return new (await import('./function-sink.js')).FunctionSink(target.sink);
  }
}
