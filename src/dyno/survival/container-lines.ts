/** What a dyno has printed, out of the log that the launcher keeps of its container: the same lines with the same times, whoever reads them. */
import { readLog, type LogPiece } from '../../container/log.js';
import { LineFramer } from '../log/framing.js';
import type { Cursor } from './journal-entries.js';

export interface TimedLine {
  readonly timeMs: number;
  readonly message: string;
}

/** Until its container has ended, or the signal is aborted. */
export async function* containerLines(folder: string, signal: AbortSignal): AsyncGenerator<readonly TimedLine[]> {
  yield* linesOf(readLog(folder, { follow: true, signal }));
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
