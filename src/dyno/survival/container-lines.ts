/** What a dyno has printed, out of the log that the launcher keeps of its container: the same lines with the same times, whoever reads them. */
import type { Readable } from 'node:stream';
import { readPaced, type LogPiece, type Pace } from '../../container/log.js';
import { LineFramer } from '../log/framing.js';
import type { Cursor } from './journal-entries.js';

export interface TimedLine {
  readonly timeMs: number;
  readonly message: string;
}

/**
 * What is there; of a container that runs, until it has ended, or the signal is aborted.
 *
 * @param streams undefined where it does not run; what the launcher passes on as well: the log alone would be overwritten by a program that prints
 * faster than it is read. They are read as far as the log is, and the launcher waits for them.
 */
export async function* containerLines(folder: string, streams: readonly Readable[] | undefined, signal: AbortSignal): AsyncGenerator<readonly TimedLine[]> {
  if (streams === undefined) {
    yield* linesOf(readPaced(folder, { signal }));
    return;
  }
  const pace = new Pacer(streams);
  try {
    yield* linesOf(readPaced(folder, { follow: true, signal }, pace));
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

/** The pipes hold less than half of the log does, so that what is not read yet is not overwritten. */
class Pacer implements Pace {
  readonly #streams: readonly Readable[];
  #isBehind = true;

  constructor(streams: readonly Readable[]) {
    this.#streams = streams;
    for (const stream of streams) {
      stream.on('data', () => {
        // libuv would go on with two megabytes before anybody else had a turn.
        stream.pause();
        setImmediate(() => {
          if (!this.#isBehind) stream.resume();
        });
      });
      stream.pause();
    }
  }

  readonly caughtUp = () => {
    this.#isBehind = false;
    for (const stream of this.#streams) stream.resume();
  };

  readonly behind = () => {
    this.#isBehind = true;
  };
}

/** A line has the time of the piece that ends it; times never go back, not even with the clock. */
export async function* linesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<readonly TimedLine[]> {
  const framers = new Map<LogPiece['stream'], LineFramer>();
  let timeMs = 0;
  const timed = (messages: readonly string[]) => messages.map((message) => ({ timeMs, message }));
  for await (const piece of pieces) {
    const framer = framers.get(piece.stream) ?? new LineFramer();
    framers.set(piece.stream, framer);
    timeMs = Math.max(timeMs, piece.timeMs);
    yield timed([...framer.lines(piece.bytes)]);
  }
  for (const framer of framers.values()) yield timed(framer.end());
}

/** Without those that were read up to that place, when the log is read from its beginning. */
export class Unread {
  readonly #timeMs: number;
  #left: number;

  constructor({ timeMs, count }: Cursor) {
    this.#timeMs = timeMs;
    this.#left = count;
  }

  of(lines: readonly TimedLine[]): readonly TimedLine[] {
    return lines.filter(({ timeMs }) => timeMs > this.#timeMs || (timeMs === this.#timeMs && this.#left-- <= 0));
  }
}
