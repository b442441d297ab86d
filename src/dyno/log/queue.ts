/** Lines on their way to one reader or drain: bounded, the newest kept, and what was lost counted among them. */
import type { Overflow } from './overflow.js';
import type { LogLine } from './line.js';

/** Beside its text a line is an object and a place in the queue. */
const lineOverhead = 64;

export interface QueueSettings {
  /** At least one line is kept, whatever its size. */
  readonly mostBytes: number;
  /** The line that tells what was dropped. */
  readonly overflow: Overflow;
  /** Nothing is dropped: who writes waits for `room`. */
  readonly blocks?: boolean;
}

export class LogQueue {
  readonly #settings: QueueSettings;
  readonly #lines: (LogLine | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #dropped = 0;
  #droppedSinceMs = 0;
  #allDropped = 0;
  #wanted = 1;
  #wake: (() => void) | undefined;
  #atRoom: (() => void)[] = [];
  #ended = false;

  constructor(settings: QueueSettings) {
    this.#settings = settings;
  }

  /** Lines that wait. */
  get length(): number {
    return this.#lines.length - this.#first;
  }

  /** Lines that were dropped since the beginning. */
  get dropped(): number {
    return this.#allDropped;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  push(line: LogLine): void {
    if (this.#ended) return;
    this.#lines.push(line);
    this.#bytes += cost(line);
    if (this.#settings.blocks !== true) while (this.#isFull && this.length > 1) this.#drop();
    if (this.length >= this.#wanted) this.wake();
  }

  /** What is there is still read. */
  end(): void {
    this.#ended = true;
    this.wake();
    this.#makeRoom();
  }

  /** For who must not drop: resolves when there is room again; undefined while there is. */
  room(): Promise<void> | undefined {
    if (this.#settings.blocks !== true || this.#ended || !this.#isFull) return undefined;
    return new Promise((resolve) => this.#atRoom.push(resolve));
  }

  /** Resolves when so many lines are there, when no more come, or by `wake`. One at a time may wait. */
  async ready(count = 1): Promise<void> {
    if (this.length >= count || this.#ended) return;
    this.#wanted = count;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Who waits goes on, whatever is there. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The next line, once; what was lost is told in the place where it is missing. */
  take(): LogLine | undefined {
    return this.#overflow() ?? this.#shift();
  }

  get #isFull(): boolean {
    return this.#bytes > this.#settings.mostBytes;
  }

  #drop(): void {
    const line = this.#shift();
    if (line === undefined) return;
    if (this.#dropped === 0) this.#droppedSinceMs = line.timeMs;
    this.#dropped++;
    this.#allDropped++;
  }

  #overflow(): LogLine | undefined {
    if (this.#dropped === 0) return undefined;
    const line = this.#settings.overflow({ count: this.#dropped, sinceMs: this.#droppedSinceMs, timeMs: this.#lines[this.#first]?.timeMs ?? this.#droppedSinceMs });
    this.#dropped = 0;
    return line;
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
    if (this.#atRoom.length > 0 && this.#bytes * 2 <= this.#settings.mostBytes) this.#makeRoom();
    return line;
  }

  #makeRoom(): void {
    const waiting = this.#atRoom;
    this.#atRoom = [];
    for (const resume of waiting) resume();
  }
}

function cost({ message }: LogLine): number {
  return message.length + lineOverhead;
}
