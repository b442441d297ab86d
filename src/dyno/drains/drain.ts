/** One drain: a bounded queue of lines, and the loop that hands them to a sink, again where that failed. */
import type { TsrunError } from '../../spec/errors.js';
import type { Clock } from '../clock.js';
import type { LogHub } from '../log/hub.js';
import type { LogLine } from '../log/line.js';
import { logplex, undelivered } from '../log/overflow.js';
import type { LogQueue } from '../log/queue.js';
import type { DrainState } from './drain-state.js';
import { failureOf } from './failure.js';
import { DeliveryError, type Batch, type Sink } from './sink.js';

/** Of one batch. */
const mostBytes = 512 * 1024;
/** With the delays between them, some four minutes. */
const mostTries = 10;
const firstDelayMs = 1000;
const mostDelayMs = 60_000;

export interface DrainSettings {
  readonly name: string;
  readonly token: string;
  readonly sink: Sink;
  readonly queue: LogQueue;
  readonly hub: Pick<LogHub, 'turns' | 'tell'>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly changed: (state: DrainState, lost: number, error?: TsrunError) => void;
}

/** Where the lines of a formation go. What it has delivered, dropped, lost and still holds are together all lines that were written since it was added. */
export class Drain {
  readonly #settings: DrainSettings;
  readonly #done: Promise<void>;
  #state: DrainState = 'working';
  #delivered = 0;
  #lost = 0;
  #held = 0;
  /** Lost, and not yet told in the stream. */
  #untold: { count: number; sinceMs: number } | undefined;
  #failures = 0;
  #wake: (() => void) | undefined;
  #trying: AbortController | undefined;
  #isLate = false;

  /** @internal A formation makes its own. */
  constructor(settings: DrainSettings) {
    this.#settings = settings;
    this.#done = this.#run();
  }

  /** Where it goes, without credentials: `https://logs.example.com/`. */
  get name(): string {
    return this.#settings.name;
  }

  /** `d.…`, which the receiver knows it by. */
  get token(): string {
    return this.#settings.token;
  }

  /** Whether the last try succeeded. */
  get state(): DrainState {
    return this.#state;
  }

  /** Lines that somebody else has. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Lines for which there was no room (L10, L12). */
  get dropped(): number {
    return this.#settings.queue.dropped;
  }

  /** Lines that were refused, or tried in vain for too long (L13). */
  get lost(): number {
    return this.#lost;
  }

  /** Lines that wait, or are on their way. */
  get held(): number {
    return this.#settings.queue.length + this.#held;
  }

  /** @internal What is there is still delivered, within so many milliseconds. Resolves when it is, or is lost. */
  async end(graceMs: number): Promise<void> {
    const { queue, clock } = this.#settings;
    queue.end();
    this.#wake?.();
    const cancel = clock.after(graceMs, () => {
      this.#isLate = true;
      this.#trying?.abort();
    });
    await this.#done;
    cancel();
  }

  async #run(): Promise<void> {
    const { queue, sink } = this.#settings;
    while (!queue.isEnded || queue.length > 0) {
      await queue.ready();
      await this.#gather();
      const batch = await this.#take();
      if (batch !== undefined) await this.#send(batch);
    }
    this.#state = 'ended';
    await sink.close();
  }

  /** So that what is printed together travels together. */
  async #gather(): Promise<void> {
    const { queue, clock, sink } = this.#settings;
    const { gatherMs, mostLines } = sink.limits;
    if (gatherMs === 0 || queue.isEnded) return;
    const cancel = clock.after(gatherMs, () => {
      queue.wake();
    });
    await queue.ready(mostLines);
    cancel();
  }

  async #take(): Promise<(Batch & { readonly count: number }) | undefined> {
    const { queue, hub, newId, sink } = this.#settings;
    await hub.turns.next();
    const before = queue.length;
    const lines: LogLine[] = [];
    if (this.#untold !== undefined && before > 0) lines.push(undelivered({ ...this.#untold, timeMs: this.#untold.sinceMs }));
    // Beside what is told of lost ones there is always one, or the queue would never be empty.
    for (let bytes = 0, taken = 0; taken < sink.limits.mostLines && bytes < mostBytes; taken++) {
      const line = queue.take();
      if (line === undefined) break;
      lines.push(line);
      bytes += line.message.length;
    }
    this.#held = before - queue.length;
    return lines.length === 0 ? undefined : { id: newId(), lines, count: this.#held };
  }

  async #send(batch: Batch & { readonly count: number }): Promise<void> {
    for (let tries = 1; ; tries++) {
      const failure = await this.#try(batch);
      if (failure === undefined) break;
      this.#failures++;
      const isLost = failure.isPermanent || tries === mostTries || this.#settings.queue.isEnded;
      if (isLost) this.#lose(batch);
      this.#fail(failure, isLost ? batch.count : 0);
      // After a refusal too: what is sent next may be refused as well.
      await this.#sleep(failure.retryAfterMs ?? Math.min(firstDelayMs * 2 ** Math.min(this.#failures - 1, 10), mostDelayMs));
      if (isLost) return;
    }
    this.#delivered += batch.count;
    [this.#held, this.#failures, this.#untold] = [0, 0, undefined];
    if (this.#state !== 'failing') return;
    this.#state = 'working';
    this.#settings.changed('working', 0);
  }

  async #try(batch: Batch): Promise<DeliveryError | undefined> {
    const { sink, clock, name } = this.#settings;
    if (this.#isLate) return new DeliveryError(`${name}: there was no time left to deliver`);
    const { tryMs } = sink.limits;
    const trying = new AbortController();
    this.#trying = trying;
    const cancel = tryMs === undefined ? () => undefined : clock.after(tryMs, () => {
      trying.abort();
    });
    try {
      // Whatever a sink makes of the signal, nobody waits longer for it.
      await Promise.race([sink.deliver(batch, trying.signal), aborted(trying.signal)]);
      return undefined;
    } catch (error) {
      return trying.signal.aborted ? new DeliveryError(`${name}: it took too long`, { cause: error }) : failureOf(name, error);
    } finally {
      cancel();
    }
  }

  #lose({ lines: [first], count }: Batch & { readonly count: number }): void {
    const { clock, hub } = this.#settings;
    const sinceMs = first?.timeMs ?? clock.now();
    this.#untold = { count: count + (this.#untold?.count ?? 0), sinceMs: this.#untold?.sinceMs ?? sinceMs };
    this.#lost += count;
    this.#held = 0;
    hub.tell(undelivered({ count, sinceMs, timeMs: clock.now() }));
  }

  #fail(failure: DeliveryError, lost: number): void {
    const { clock, hub, name, changed } = this.#settings;
    const isNew = this.#state !== 'failing';
    this.#state = 'failing';
    if (isNew && failure.isCertificate) hub.tell(logplex(clock.now(), `Error L14 (certificate validation): error="bad certificate" uri="${name}"`));
    if (isNew || lost > 0) changed('failing', lost, failure);
  }

  async #sleep(ms: number): Promise<void> {
    const { clock, queue } = this.#settings;
    if (queue.isEnded) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('aborted'));
    }, { once: true });
  });
}
