/** Lines on their way to one reader: bounded, the newest kept, and what was lost counted among them. */
import { setImmediate } from 'node:timers/promises';
import { timestamp, type LogLine } from './line.js';

/** Beside its text a line is an object and a place in the queue. */
const lineOverhead = 64;
const linesATurn = 5000;

export class LogQueue {
  readonly #lines: (LogLine | undefined)[] = [];
  readonly #mostBytes: number;
  #first = 0;
  #bytes = 0;
  #dropped = 0;
  #droppedSinceMs = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  /** @param mostBytes at least one line is kept, whatever its size */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#bytes += cost(line);
    while (this.#bytes > this.#mostBytes && this.#lines.length - this.#first > 1) this.#drop();
    this.#wake?.();
  }

  /** What is there is still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Each line once; what was lost is told in the place where it is missing. */
  async *read(): AsyncGenerator<LogLine, undefined> {
    for (let count = 1; ; count++) {
      const next = this.#overflow() ?? this.#shift();
      // Who reads what is there already never leaves this turn of the event loop else.
      if (count % linesATurn === 0) await setImmediate();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #drop(): void {
    const line = this.#shift();
    if (line === undefined) return;
    if (this.#dropped === 0) this.#droppedSinceMs = line.timeMs;
    this.#dropped++;
  }

  /** The exact line of logplex. */
  #overflow(): LogLine | undefined {
    if (this.#dropped === 0) return undefined;
    const message = `Error L10 (output buffer overflow): ${this.#dropped} messages dropped since ${timestamp(this.#droppedSinceMs)}.`;
    this.#dropped = 0;
    return { timeMs: this.#lines[this.#first]?.timeMs ?? this.#droppedSinceMs, source: 'heroku', dyno: 'logplex', message };
  }

  #shift(): LogLine | undefined {
    const line = this.#lines[this.#first];
    if (line === undefined) return undefined;
    this.#lines[this.#first++] = undefined;
    this.#bytes -= cost(line);
    if (this.#first > 1024 && this.#first * 2 > this.#lines.length) {
      this.#lines.splice(0, this.#first);
      this.#first = 0;
    }
    return line;
  }
}

function cost({ message }: LogLine): number {
  return message.length + lineOverhead;
}
