/**
 * How far an image is, as docker shows it: a line for each layer, redrawn on a terminal, and a line a step elsewhere. Its words come from
 * a registry or a file, and are made safe to print.
 */
import type { ImageProgress } from '../index.js';
import { shortDigest } from './image-names.js';
import type { OutputStream } from './invocation.js';
import { escapeControl, humanSize } from './output.js';
import { tell } from './tell.js';

export interface Progress {
  update(progress: ImageProgress): void;
  /** Leaves the terminal as it was; what was drawn last stays. */
  close(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function openProgress(stream: OutputStream, env: Environment, quiet: boolean): Progress {
  if (quiet) return { update: () => undefined, close: () => undefined };
  return stream.isTTY === true && env['TERM'] !== 'dumb' ? new Board(stream) : new Lines(stream);
}

interface Row {
  readonly id: string;
  readonly last: ImageProgress;
}

/** What concerns the whole image has no digest. */
function idOf({ digest }: ImageProgress): string {
  return digest === undefined ? 'image' : escapeControl(shortDigest(digest));
}

const done: Readonly<Record<ImageProgress['stage'], string>> = { resolving: 'resolved', fetching: 'fetched', unpacking: 'unpacked', writing: 'written' };

function whatWasDone({ stage, wasThere }: ImageProgress): string {
  return wasThere === true ? 'already there' : done[stage];
}

/** Each step of each layer is told once, when it is done. */
class Lines implements Progress {
  readonly #stream: OutputStream;
  readonly #told = new Set<string>();

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  update(progress: ImageProgress): void {
    const key = `${progress.stage} ${progress.digest ?? ''}`;
    if (progress.finished !== true || this.#told.has(key)) return;
    this.#told.add(key);
    const bytes = progress.doneBytes > 0 ? ` (${humanSize(progress.doneBytes)})` : '';
    tell(this.#stream, `${idOf(progress)}: ${whatWasDone(progress)}${bytes}\n`);
  }

  close(): void {
    // Nothing is left open.
  }
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseBelow = '\x1b[J';
/** Fast enough to look smooth, and little to write. */
const leastMs = 80;

class Board implements Progress {
  readonly #stream: OutputStream;
  readonly #rows = new Map<string, Row>();
  #drawnLines = 0;
  #drawnAtMs = -Infinity;
  #later: NodeJS.Timeout | undefined;
  #open = false;
  readonly #restore = () => {
    this.#stream.write(showCursor);
  };

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  update(progress: ImageProgress): void {
    const id = idOf(progress);
    this.#rows.set(id, { id, last: progress });
    const waitMs = leastMs - (performance.now() - this.#drawnAtMs);
    if (waitMs <= 0) this.#draw();
    // It may be the last for a long time.
    else this.#later ??= setTimeout(() => { this.#draw(); }, waitMs);
  }

  close(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    if (this.#rows.size > 0) this.#draw();
    this.#rows.clear();
    this.#drawnLines = 0;
    if (!this.#open) return;
    this.#open = false;
    process.removeListener('exit', this.#restore);
    this.#restore();
  }

  #draw(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#drawnAtMs = performance.now();
    const lines = frame([...this.#rows.values()], windowOf(this.#stream));
    const start = this.#open ? '' : hideCursor;
    const back = this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A`;
    if (!this.#open) process.on('exit', this.#restore);
    this.#open = true;
    this.#drawnLines = lines.length;
    tell(this.#stream, `${start}${back}\r${eraseBelow}${lines.map((line) => `${line}\n`).join('')}`);
  }
}

export interface Window {
  readonly columns: number;
  readonly rows: number;
}

/** Terminals that nobody has told their size, as serial ones, say that it is 0. */
function windowOf({ columns = 0, rows = 0 }: OutputStream): Window {
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

/** No more than the window holds, since a line that has scrolled away cannot be drawn again: what is worked on goes first. */
export function frame(rows: readonly Row[], window: Window): string[] {
  const room = Math.max(1, window.rows - 2);
  if (rows.length <= room) return rows.map((row) => line(row, window.columns));
  const active = rows.filter(({ last }) => last.finished !== true);
  const shown = new Set([...active, ...rows.filter(({ last }) => last.finished === true).reverse()].slice(0, room - 1));
  const hidden = rows.filter((row) => !shown.has(row));
  const finished = hidden.filter(({ last }) => last.finished === true).length;
  const summary = `and ${hidden.length} more, ${finished} of them done`;
  return [...rows.filter((row) => shown.has(row)).map((row) => line(row, window.columns)), summary.slice(0, window.columns - 1)];
}

const widestBar = 30;

function line({ id, last }: Row, columns: number): string {
  const { stage, doneBytes, totalBytes, finished } = last;
  if (finished === true) return `${id.padEnd(12)}  ${whatWasDone(last)}${doneBytes > 0 ? `  ${humanSize(doneBytes)}` : ''}`.slice(0, columns - 1);
  const head = `${id.padEnd(12)}  ${stage.padEnd(9)}`;
  if (totalBytes === undefined || totalBytes <= 0) return `${head}  ${doneBytes > 0 ? humanSize(doneBytes) : ''}`.trimEnd().slice(0, columns - 1);
  const sizes = `${humanSize(doneBytes)}/${humanSize(totalBytes)}`;
  const width = Math.min(widestBar, columns - head.length - sizes.length - 8);
  const bar = width < 5 ? '' : `  [${drawBar(doneBytes / totalBytes, width)}]`;
  return `${head}${bar}  ${sizes}`.slice(0, columns - 1);
}

function drawBar(part: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width);
  return filled >= width ? '='.repeat(width) : `${'='.repeat(Math.max(0, filled))}>`.padEnd(width).slice(0, width);
}
