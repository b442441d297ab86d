/** Lines out of what a stream brings in pieces. */
import type { PartialLine } from './line.js';

/** How lines that are too long are cut: as Heroku does (Dev Center, "Logging"), or as docker does, which says so of each part (moby, daemon/logger). */
export type LineForm = 'heroku' | 'docker';

export const mostLineBytes: Readonly<Record<LineForm, number>> = { heroku: 10_000, docker: 16_384 };

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Of one stream of one program. What is held back is less than a line. */
export class LineFramer {
  readonly #isDocker: boolean;
  readonly #mostBytes: number;
  #held: Buffer = Buffer.alloc(0);
  /** Parts of the line that what is held goes on. */
  #parts = 0;
  #id = '';
  #partial: PartialLine | undefined;
  #breaks = 0;

  constructor(form: LineForm = 'heroku') {
    this.#isDocker = form === 'docker';
    this.#mostBytes = mostLineBytes[form];
  }

  /** Line feeds that stood in what was taken of it. */
  get breaks(): number {
    return this.#breaks;
  }

  /** In docker's form: which part of a line it is that was given last; undefined: a whole one. */
  get partial(): PartialLine | undefined {
    return this.#partial;
  }

  /**
   * The lines that a piece completes, as they are asked for; all of them are to be taken before the next piece.
   *
   * @param mark before the ids of lines that are cut in this piece: of no other piece of its stream
   */
  *lines(piece: Buffer, mark = ''): Generator<string, undefined> {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const [most, isDocker] = [this.#mostBytes, this.#isDocker];
    let at = 0;
    let cuts = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(newline, at);
      // Docker tells of what fills its buffer before it sees that the line ends there: its last part is empty then.
      const isWhole = end >= 0 && end - at <= (isDocker ? most - 1 : most);
      if (!isWhole && bytes.length - at <= most) break;
      const cut = isWhole ? end : characterEnd(bytes, at, at + most);
      const line = isWhole && !isDocker ? ending(bytes, at, cut) : bytes.toString('utf8', at, cut);
      // The end of a line that was split, a carriage return alone too, is no line of its own.
      const isLine = isDocker || line !== '' || this.#parts === 0;
      if (!isWhole && this.#parts === 0) this.#id = `${mark}-${cuts++}`;
      this.#count(isWhole);
      at = isWhole ? cut + 1 : cut;
      if (isWhole) this.#breaks++;
      if (isLine) yield line;
    }
    // A copy: the piece may be large, and what is left of it small.
    this.#held = Buffer.from(bytes.subarray(at));
  }

  /** The stream has ended: what was printed last need not end in a line break, which docker tells as a part that is not the last. */
  end(mark = ''): string[] {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    if (held.length === 0) return [];
    if (this.#parts === 0) this.#id = `${mark}-end`;
    this.#count(false);
    this.#parts = 0;
    return [this.#isDocker ? held.toString('utf8') : ending(held, 0, held.length)];
  }

  #count(isLast: boolean): void {
    this.#partial = this.#isDocker && (this.#parts > 0 || !isLast) ? { id: this.#id, ordinal: this.#parts + 1, last: isLast } : undefined;
    this.#parts = isLast ? 0 : this.#parts + 1;
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
