/** The log of a formation: what its dynos say, to whoever reads; the last lines are kept for who comes late. */
import type { LogLine } from './line.js';
import { tailOverflow } from './overflow.js';
import { LogQueue } from './queue.js';
import { Turns } from './turns.js';

/** As many as Heroku keeps (Dev Center, "Logging"). */
export const keptLines = 1500;
/** Room for what one read of a full pipe brings, were it nothing but line breaks. */
export const queueBytes = 8 * 2 ** 20;

/** A look at the clock costs as much as a short line does. */
const linesALook = 16;

/** What of a log is wanted. */
export interface LogOptions {
  /** How many of the lines that were there before are wanted. Default: all that are kept, 1500. */
  readonly past?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

export class LogHub {
  /** All that handles its lines goes by them. */
  readonly turns = new Turns();
  readonly #past: LogLine[] = [];
  readonly #readers = new Set<LogQueue>();
  readonly #drains = new Set<LogQueue>();
  #ended = false;

  /** What was said before there was this hub. */
  restore(lines: readonly LogLine[]): void {
    this.#past.unshift(...lines);
  }

  write(line: LogLine): void {
    this.tell(line);
    for (const drain of this.#drains) drain.push(line);
  }

  /** To readers alone: what is said of drains would come back to them. */
  tell(line: LogLine): void {
    this.#past.push(line);
    if (this.#past.length >= 2 * keptLines) this.#past.splice(0, keptLines);
    for (const reader of this.#readers) reader.push(line);
  }

  /** Every line from now on, until `detach`. */
  attach(drain: LogQueue): void {
    this.#drains.add(drain);
  }

  detach(drain: LogQueue): void {
    this.#drains.delete(drain);
  }

  /** Resolves when every drain that dynos have to wait for has room; undefined while all have. */
  room(): Promise<unknown> | undefined {
    const full = [...this.#drains].flatMap((drain) => drain.room() ?? []);
    return full.length === 0 ? undefined : Promise.all(full);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** From this call on, not from the first read. */
  read({ past = keptLines, signal }: LogOptions = {}): AsyncGenerator<LogLine, undefined> {
    const queue = new LogQueue({ mostBytes: queueBytes, overflow: tailOverflow });
    for (const line of this.#past.slice(Math.max(0, this.#past.length - Math.min(past, keptLines)))) queue.push(line);
    this.#readers.add(queue);
    const [readers, turns] = [this.#readers, this.turns];
    const end = () => {
      queue.end();
    };
    if (this.#ended || signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
    async function* lines(): AsyncGenerator<LogLine, undefined> {
      try {
        yield* readQueue(queue, turns);
      } finally {
        readers.delete(queue);
        signal?.removeEventListener('abort', end);
      }
    }
    return lines();
  }
}

/** Each line once, until the queue has ended and is empty. */
export async function* readQueue(queue: LogQueue, turns: Turns): AsyncGenerator<LogLine, undefined> {
  for (let count = 1; ; count++) {
    // Who reads what is there already never leaves this turn of the event loop else. Before it is looked: the last lines may come meanwhile.
    if (count % linesALook === 0 && turns.isOver) await turns.next();
    const line = queue.take();
    if (line !== undefined) yield line;
    else if (queue.isEnded) return;
    else await queue.ready();
  }
}
