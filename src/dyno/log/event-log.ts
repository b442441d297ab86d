/** The events of a formation: each has a number, and the last are kept for who comes later, or comes again. */
import { EventStream } from '../../container/events.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { DynoEvent, DynoNews } from '../events.js';

export const keptEvents = 1000;

/** Which events are wanted. */
export interface EventOptions {
  /** `sequence` of the last one that is known already: what came after it is told first. 0: all that are kept, 1000. Absent: none from before this call. */
  readonly after?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** Where they are found again by the next owner. */
export interface EventStore {
  readonly past: readonly DynoEvent[];
  readonly add: (event: DynoEvent) => void;
}

export class EventLog {
  readonly #store: EventStore | undefined;
  readonly #stream = new EventStream<DynoEvent>();
  readonly #kept: DynoEvent[];
  #last: number;
  #isEnded = false;

  constructor(store?: EventStore) {
    this.#store = store;
    this.#kept = [...(store?.past ?? [])];
    this.#last = this.#kept.at(-1)?.sequence ?? 0;
  }

  tell(news: DynoNews): void {
    // By now the store may be another owner's, or gone.
    if (this.#isEnded) return;
    if (news.type === 'sample') {
      this.#stream.push({ ...news, sequence: this.#last });
      return;
    }
    const event = { ...news, sequence: ++this.#last };
    // Before anybody knows its number, which must not be another one's later.
    this.#store?.add(event);
    this.#kept.push(event);
    if (this.#kept.length >= 2 * keptEvents) this.#kept.splice(0, keptEvents);
    this.#stream.push(event);
  }

  end(): void {
    this.#isEnded = true;
    this.#stream.end();
  }

  /** From this call on, not from the first read. @throws TsrunError ERR_TSRUN_INVALID_ARGUMENT for a number that no event has had yet */
  read({ after, signal }: EventOptions): AsyncIterableIterator<DynoEvent> {
    return this.#stream.read(signal, after === undefined ? [] : this.#since(after));
  }

  #since(after: number): DynoEvent[] {
    if (!Number.isSafeInteger(after) || after < 0 || after > this.#last) {
      throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `argument /after: no event has been ${show(after)}, the last one was ${this.#last}`, { field: '/after', hint: 'a formation that is started counts anew, one that is adopted goes on' });
    }
    const found = this.#kept.slice(-keptEvents).filter(({ sequence }) => sequence > after);
    const [first] = found;
    if (first === undefined || first.sequence === after + 1) return found;
    return [{ type: 'missed', dyno: '', timeMs: first.timeMs, events: first.sequence - after - 1, sequence: first.sequence - 1 }, ...found];
  }
}
