/** Lines in a container's log, which knows only pieces: what one write to a stream brought. */
import { once } from 'node:events';
import type { LogPiece } from '../../index.js';
import type { OutputStream } from '../invocation.js';

/** A line, or what one piece holds of it. */
export interface LinePart extends LogPiece {
  /** The line begins here. */
  readonly starts: boolean;
}

const newline = 0x0a;

/** `open`: streams whose last line was not ended yet. */
export async function* splitPieces(pieces: AsyncIterable<LogPiece> | Iterable<LogPiece>, open = new Set<LogPiece['stream']>()): AsyncGenerator<LinePart> {
  for await (const piece of pieces) {
    const { bytes, stream } = piece;
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(newline, at);
      const end = found < 0 ? bytes.length : found + 1;
      yield { ...piece, bytes: bytes.subarray(at, end), starts: !open.has(stream) };
      if (found < 0) open.add(stream);
      else open.delete(stream);
      at = end;
    }
  }
}

export function lastLines(parts: readonly LinePart[], count: number): readonly LinePart[] {
  let left = count;
  let from = parts.length;
  while (from > 0 && left > 0) {
    from--;
    if (parts[from]?.starts === true) left--;
  }
  return parts.slice(from);
}

export class LineWriter {
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #timestamps: boolean;

  constructor(stdout: OutputStream, stderr: OutputStream, timestamps: boolean) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#timestamps = timestamps;
  }

  async write({ stream, bytes, starts, timeMs }: LinePart): Promise<void> {
    const target = stream === 'stderr' ? this.#stderr : this.#stdout;
    const prefix = this.#timestamps && starts ? `${new Date(timeMs).toISOString()} ` : '';
    const ready = target.write(prefix === '' ? bytes : Buffer.concat([Buffer.from(prefix), bytes]));
    if (!ready) await once(target, 'drain');
  }
}
