/** What a dyno has printed, out of the log that the launcher keeps of its container: the same lines with the same times, whoever reads them. */
import type { Readable } from 'node:stream';
import { readPaced, type LogMark, type LogPiece, type Pace } from '../../container/log.js';
import { LineFramer, type LineForm } from '../log/framing.js';
import { told, type PrintedLine } from '../log/output.js';
import type { Cursor } from './journal-entries.js';

export interface TimedLine extends PrintedLine {
  readonly timeMs: number;
  /** Line feeds that the log has had up to here. */
  readonly breaks: number;
}

/** What nobody can read any more. */
export interface Gap {
  readonly timeMs: number;
  readonly lost: number;
  readonly breaks: number;
}

/**
 * What is there; of a container that runs, until it has ended, or the signal is aborted.
 *
 * @param streams undefined where it does not run; what the launcher passes on as well: the log alone would be overwritten by a program that prints
 * faster than it is read. They are read as far as the log is, and the launcher waits for them.
 * @param breaks line feeds up to the place where it was read last
 * @param form in which its lines are told
 */
export async function* containerLines(folder: string, streams: readonly Readable[] | undefined, signal: AbortSignal, breaks: number, form?: LineForm): AsyncGenerator<readonly (TimedLine | Gap)[]> {
  if (streams === undefined) {
    yield* linesOf(readPaced(folder, { signal }), breaks, form);
    return;
  }
  const pace = new Pacer(streams);
  try {
    yield* linesOf(readPaced(folder, { follow: true, signal }, pace), breaks, form);
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

/** A line has the time of the piece that ends it; times never go back, not even with the clock. What was overwritten unread is a gap, at its place. */
export async function* linesOf(pieces: AsyncIterable<LogPiece | LogMark>, breaks: number, form?: LineForm): AsyncGenerator<readonly (TimedLine | Gap)[]> {
  const framers = new Map<LogPiece['stream'], LineFramer>();
  let [timeMs, count] = [0, breaks];
  for await (const piece of pieces) {
    timeMs = Math.max(timeMs, piece.timeMs);
    if ('breaksBefore' in piece) {
      const lost = piece.breaksBefore - count;
      count = piece.breaksBefore;
      if (lost <= 0) continue;
      // What is held is the beginning of a line whose end is lost.
      framers.clear();
      yield [{ timeMs, lost, breaks: count }];
      continue;
    }
    const framer = framers.get(piece.stream) ?? new LineFramer(form);
    framers.set(piece.stream, framer);
    const lines: TimedLine[] = [];
    const before = count - framer.breaks;
    // The same ids, whoever reads it: each piece has a time of its own.
    for (const message of framer.lines(piece.bytes, `${piece.timeMs}`)) lines.push({ timeMs, ...told(message, piece.stream, framer, form), breaks: before + framer.breaks });
    count = before + framer.breaks;
    yield lines;
  }
  for (const [stream, framer] of framers) yield framer.end(`${timeMs}`).map((message) => ({ timeMs, ...told(message, stream, framer, form), breaks: count }));
}

/** Without those that were read up to that place, when the log is read from its beginning. */
export class Unread {
  readonly #timeMs: number;
  #left: number;

  constructor({ timeMs, count }: Cursor) {
    this.#timeMs = timeMs;
    this.#left = count;
  }

  of<T extends TimedLine | Gap>(lines: readonly T[]): readonly T[] {
    return lines.filter((line) => 'lost' in line || line.timeMs > this.#timeMs || (line.timeMs === this.#timeMs && this.#left-- <= 0));
  }
}
