/** Lines out of what a stream brings in pieces. */

/** A longer line is several (Dev Center, "Logging"). */
export const mostLineBytes = 10_000;

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Of one stream of one program. What is held back is less than a line. */
export class LineFramer {
  #held: Buffer = Buffer.alloc(0);
  /** What is held goes on a line that was split: a carriage return alone is no line of its own then. */
  #continues = false;
  #breaks = 0;

  /** Line feeds that stood in what was taken of it. */
  get breaks(): number {
    return this.#breaks;
  }

  /** The lines that a piece completes, as they are asked for; all of them are to be taken before the next piece. */
  *lines(piece: Buffer): Generator<string, undefined> {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    let at = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(newline, at);
      const isWhole = end >= 0 && end - at <= mostLineBytes;
      if (!isWhole && bytes.length - at <= mostLineBytes) break;
      const cut = isWhole ? end : characterEnd(bytes, at, at + mostLineBytes);
      const line = isWhole ? ending(bytes, at, cut) : bytes.toString('utf8', at, cut);
      const isLine = line !== '' || !this.#continues;
      this.#continues = !isWhole;
      at = isWhole ? cut + 1 : cut;
      if (isWhole) this.#breaks++;
      if (isLine) yield line;
    }
    // A copy: the piece may be large, and what is left of it small.
    this.#held = Buffer.from(bytes.subarray(at));
  }

  /** The stream has ended: what was printed last need not end in a line break. */
  end(): string[] {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held.length === 0 ? [] : [ending(held, 0, held.length)];
  }
}

function ending(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, end > start && bytes[end - 1] === carriageReturn ? end - 1 : end);
}

/** A cut within a character would make two broken ones of it: at most three bytes of one lie before the cut (RFC 3629). */
function characterEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = end; at > end - 4 && at > start; at--) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return end;
}
