/** The whole of a terminal: drawn on line by line, typed on key by key, and given back as it was. */
import { emitKeypressEvents } from 'node:readline';
import type { Invocation } from '../invocation.js';
import { hasTerminal, letGoOfTerminals, ownTerminals, windowSize } from '../program/terminal.js';
import type { Key } from './keys.js';
import type { Size } from './list.js';

/** Alternate screen, no cursor, and nothing that is wider than thought runs into the next line (xterm's control sequences). */
const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l';

export type World = Pick<Invocation, 'stdin' | 'stdout' | 'stderr'>;

/** Of a terminal that is hung up, which a signal tells of as well. */
const ignore = () => undefined;

export class Screen {
  readonly #world: World;
  readonly #onResize: () => void;
  readonly #onKey: (text: string | undefined, key: { readonly name?: string; readonly ctrl?: boolean }) => void;
  /** What stands there. */
  #drawn: readonly string[] = [];
  #isOpen = false;
  /** The terminal takes nothing for now. */
  #isFull = false;
  #terminals: readonly number[] = [];
  readonly #close = () => {
    this.close();
  };

  constructor(world: World, onKey: (key: Key) => void, onResize: () => void) {
    this.#world = world;
    this.#onKey = (text, { name, ctrl }) => {
      onKey({ name, text, ctrl });
    };
    this.#onResize = () => {
      this.#drawn = [];
      onResize();
    };
  }

  get size(): Size {
    return windowSize(this.#world) ?? { rows: 24, columns: 80 };
  }

  open(): void {
    const { stdin, stdout } = this.#world;
    this.#isOpen = true;
    this.#terminals = hasTerminal() ? ownTerminals() : [];
    emitKeypressEvents(stdin);
    stdin.setRawMode?.(true);
    stdin.on('keypress', this.#onKey).resume();
    process.on('SIGWINCH', this.#onResize);
    // Before who tells of an error and ends: what it says would go with this screen.
    process.prependListener('uncaughtException', this.#close);
    process.once('exit', this.#close);
    stdin.on('error', ignore);
    this.#drawn = [];
    stdout.write(enter);
  }

  /** Those lines alone that are others now. A terminal that is slow to take them misses some. */
  draw(lines: readonly string[]): void {
    const { stdout } = this.#world;
    if (!this.#isOpen || this.#isFull) return;
    // Erased first: in the last column a cursor stands on what it has just written.
    const changed = lines.map((line, index) => (line === this.#drawn[index] ? '' : `\x1b[${index + 1};1H\x1b[2K${line}`)).join('');
    const rest = this.#drawn.length > lines.length || this.#drawn.length === 0 ? `\x1b[${lines.length + 1};1H\x1b[J` : '';
    this.#drawn = lines;
    const text = lines.length < this.size.rows ? changed + rest : changed;
    if (text === '' || stdout.write(text)) return;
    this.#isFull = true;
    stdout.once('drain', () => {
      this.#isFull = false;
    });
  }

  /** All of it is drawn anew next. */
  forget(): void {
    this.#drawn = [];
    this.#world.stdout.write('\x1b[2J');
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { stdin, stdout } = this.#world;
    process.removeListener('SIGWINCH', this.#onResize);
    process.removeListener('uncaughtException', this.#close);
    process.removeListener('exit', this.#close);
    stdin.removeListener('keypress', this.#onKey);
    stdin.pause();
    // Hung up: there is none any more to give back.
    if (this.#terminals.length > 0 && !hasTerminal()) {
      letGoOfTerminals(this.#terminals);
      return;
    }
    stdin.setRawMode?.(false);
    stdout.write(leave);
  }
}
