/** The log of a formation: what its dynos say, to whoever reads; the last lines are kept for who comes late. */
import type { LogLine } from './line.js';
import { LogQueue } from './queue.js';

/** As many as Heroku keeps (Dev Center, "Logging"). */
export const keptLines = 1500;
/** Room for what one read of a full pipe brings, were it nothing but line breaks. */
const queueBytes = 8 * 2 ** 20;

/** What of a log is wanted. */
export interface LogOptions {
  /** How many of the lines that were there before are wanted. Default: all that are kept, 1500. */
  readonly past?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

export class LogHub {
  readonly #past: LogLine[] = [];
  readonly #readers = new Set<LogQueue>();
  #ended = false;

  write(line: LogLine): void {
    this.#past.push(line);
    if (this.#past.length >= 2 * keptLines) this.#past.splice(0, keptLines);
    for (const reader of this.#readers) reader.push(line);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** From this call on, not from the first read. */
  read({ past = keptLines, signal }: LogOptions = {}): AsyncGenerator<LogLine, undefined> {
    const queue = new LogQueue(queueBytes);
    for (const line of this.#past.slice(Math.max(0, this.#past.length - Math.min(past, keptLines)))) queue.push(line);
    this.#readers.add(queue);
    const readers = this.#readers;
    const end = () => {
      queue.end();
    };
    if (this.#ended || signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
    async function* lines(): AsyncGenerator<LogLine, undefined> {
      try {
        yield* queue.read();
      } finally {
        readers.delete(queue);
        signal?.removeEventListener('abort', end);
      }
    }
    return lines();
  }
}
