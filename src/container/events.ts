/** What a container does, as typed events in an async iterator; nothing is polled, nothing is lost between two reads. */
import { parseFlat, parsePressure, type Pressure } from '../cgroup/stats.js';
import type { EventCgroupChanged } from '../plan/wire.generated.js';
import type { PressureResource } from '../spec/extensions.js';
import type { ExitStatus } from './state/exit-status.js';

/** What `Container.events` tells. */
export type ContainerEvent =
  | { readonly type: 'started'; readonly pid: number }
  /** A process was killed for want of memory; `kills` counts since the start. */
  | { readonly type: 'oom'; readonly kills: number }
  /** Memory was reclaimed because the limit was reached. */
  | { readonly type: 'memory-max'; readonly times: number }
  /** A fork was refused by the pids limit. */
  | { readonly type: 'pids-max'; readonly times: number }
  /** Tasks have waited for a resource of `RunOptions.pressure`; comes again at most every two seconds, as long as they do. */
  | { readonly type: 'pressure'; readonly resource: PressureResource; readonly pressure: Pressure }
  | { readonly type: 'exited'; readonly status: ExitStatus };

const resources: readonly PressureResource[] = ['cpu', 'io', 'memory'];

/** Turns changes of event files into events: the kernel only says that a counter may have moved. */
export class EventCounters {
  readonly #last = new Map<string, number>();

  read({ file, content }: Pick<EventCgroupChanged, 'file' | 'content'>): ContainerEvent[] {
    const resource = resources.find((each) => file === `${each}.pressure`);
    if (resource !== undefined) {
      const pressure = parsePressure(content);
      return pressure === undefined ? [] : [{ type: 'pressure', resource, pressure }];
    }
    const counters = parseFlat(content);
    const events: ContainerEvent[] = [];
    const moved = (key: string, make: (count: number) => ContainerEvent) => {
      const count = counters[key] ?? 0;
      if (count > (this.#last.get(`${file}:${key}`) ?? 0)) events.push(make(count));
      this.#last.set(`${file}:${key}`, count);
    };
    if (file === 'memory.events') {
      moved('oom_kill', (kills) => ({ type: 'oom', kills }));
      moved('max', (times) => ({ type: 'memory-max', times }));
    } else if (file === 'pids.events') {
      moved('max', (times) => ({ type: 'pids-max', times }));
    }
    return events;
  }
}

/** One source, any number of readers, each with all events since it began to read. */
export class EventStream<T> {
  readonly #readers = new Set<(event: T | undefined) => void>();
  /** The first event, until there is a first reader. */
  #first: T | undefined;
  #ended = false;

  /** Also for who comes later, if that is the first reader: `run` resolves when the program runs already. */
  pushFirst(event: T): void {
    if (this.#readers.size === 0) this.#first = event;
    else this.push(event);
  }

  push(event: T): void {
    for (const reader of this.#readers) reader(event);
  }

  end(): void {
    this.#ended = true;
    this.#first = undefined;
    for (const reader of this.#readers) reader(undefined);
  }

  /** Listens from this call on, not from the first read. @param past what it is told before that */
  read(signal?: AbortSignal, past: readonly T[] = []): AsyncIterableIterator<T> {
    const queue: (T | undefined)[] = signal?.aborted === true ? [undefined] : [...past, ...(this.#ended ? [undefined] : [])];
    if (this.#first !== undefined && queue.length === 0) {
      queue.push(this.#first);
      this.#first = undefined;
    }
    let wake: (() => void) | undefined;
    const reader = (event: T | undefined) => {
      queue.push(event);
      wake?.();
    };
    this.#readers.add(reader);
    const onAbort = () => {
      queue.length = 0;
      reader(undefined);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const readers = this.#readers;
    async function* events(): AsyncGenerator<T> {
      try {
        for (;;) {
          while (queue.length === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          const event = queue.shift();
          if (event === undefined) return;
          yield event;
        }
      } finally {
        readers.delete(reader);
        signal?.removeEventListener('abort', onAbort);
      }
    }
    return events();
  }
}
