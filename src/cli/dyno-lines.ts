/** Lines of dynos for a person: each dyno in a colour of its own, and nothing that could drive the terminal but colours. */
import { formatLogLine, type LogLine } from '../index.js';
import { escapeControl, type Paint, type Style } from './output.js';

const colours = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const satisfies readonly Style[];

/** "Select Graphic Rendition" of ECMA-48: colours and the like; and tabs. */
const harmless = /(\u001b\[[\d;:]*m|\t)/;

export class DynoLines {
  readonly #paint: Paint;
  readonly #isColoured: boolean;
  readonly #colours = new Map<string, Style>();

  constructor(paint: Paint, isColoured: boolean) {
    this.#paint = paint;
    this.#isColoured = isColoured;
  }

  /** With its line break. */
  render(line: LogLine): string {
    const head = formatLogLine({ ...line, message: '' });
    const message = this.#message(line.message);
    const isError = line.source === 'heroku' && line.message.startsWith('Error ');
    return `${this.#paint(this.#colourOf(line.dyno), escapeControl(head))}${isError ? this.#paint('red', message) : message}\n`;
  }

  /** By the order in which they are first heard of. */
  #colourOf(dyno: string): Style {
    const colour = this.#colours.get(dyno) ?? colours[this.#colours.size % colours.length] ?? 'cyan';
    this.#colours.set(dyno, colour);
    return colour;
  }

  #message(text: string): string {
    const parts = text.split(harmless);
    const shown = parts.map((part, index) => (index % 2 === 0 ? escapeControl(part) : part === '\t' || this.#isColoured ? part : ''));
    return `${shown.join('')}${this.#isColoured && parts.some((part) => part.startsWith('\u001b')) ? '\u001b[0m' : ''}`;
  }
}
