/** What commands print with: tables, colours, sizes and spans for people. */
import { stripVTControlCharacters, styleText } from 'node:util';
import { escapeControl, escapeJson } from './escape.js';
import type { OutputStream } from './invocation.js';

export { escapeControl, quote } from './escape.js';

type Environment = Readonly<Record<string, string | undefined>>;
export type Style = 'bold' | 'dim' | 'inverse' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';
/** Colours text, or gives it back as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

/** FORCE_COLOR wins over NO_COLOR, as in Node; without either, a terminal that is not dumb gets colours. */
export function wantsColour(stream: OutputStream, env: Environment): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

export function painter(stream: OutputStream, env: Environment): Paint {
  // Decided here for the stream that is printed to: Node's own check looks at the process's standard output.
  return wantsColour(stream, env) ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

export interface Column {
  readonly title: string;
  /** Numbers read best at the right. */
  readonly align?: 'left' | 'right';
  readonly style?: (cell: string) => Style | undefined;
}

export interface TableOptions {
  readonly paint?: Paint;
  /** Lines are cut here; absent = never. */
  readonly width?: number | undefined;
}

/** Columns without borders, two spaces apart, a line each; every cell is made safe to print. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const cells = rows.map((row) => columns.map((_, index) => escapeControl(row[index] ?? '')));
  const widths = columns.map((column, index) => Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[index] ?? ''))));
  const paint = options.paint ?? ((_style, text) => text);
  // A terminal that does not know its size says 0.
  const limit = options.width === 0 ? undefined : options.width;
  const line = (row: readonly string[], styleOf: (column: Column, cell: string) => Style | undefined) =>
    renderLine(columns, row, widths, limit, (column, cell, shown) => {
      const style = styleOf(column, cell);
      return style === undefined ? shown : paint(style, shown);
    });
  const head = line(columns.map((column) => column.title), () => 'bold');
  return [head, ...cells.map((row) => line(row, (column, cell) => column.style?.(cell)))].map((text) => `${text}\n`).join('');
}

function renderLine(
  columns: readonly Column[],
  row: readonly string[],
  widths: readonly number[],
  limit: number | undefined,
  decorate: (column: Column, cell: string, shown: string) => string,
): string {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let line = '';
  for (const [index, column] of columns.entries()) {
    const cell = row[index] ?? '';
    const last = index === columns.length - 1;
    const padded = pad(cell, widths[index] ?? 0, column.align ?? 'left', last);
    const shown = cut(last ? padded : `${padded}  `, left);
    left -= displayWidth(shown);
    line += decorate(column, cell, shown);
  }
  return line.trimEnd();
}

function pad(cell: string, width: number, align: 'left' | 'right', last: boolean): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  if (align === 'right') return space + cell;
  return last ? cell : cell + space;
}

/** So many cells of it; what was cut off shows as an ellipsis. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return width <= 0 ? '' : `${kept}…`;
}

// Characters that a terminal shows two cells wide (East Asian, emoji), and those that take none.
const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const zero = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const narrow = /^[ -~]*$/;

/** Cells of a terminal that the text takes. */
export function displayWidth(text: string): number {
  if (narrow.test(text)) return text.length;
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += zero.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5GiB`: three figures at most, with the largest unit that leaves a number above one. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (roundTo3(value) >= 1024 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${roundTo3(value)}${sizeUnits[unit] ?? ''}`;
}

function roundTo3(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

const spanUnits = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** `3h12m`: the two largest units; below ten seconds with a tenth, below one in milliseconds. */
export function humanDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))}ms`;
  if (milliseconds < 9950) return `${Number((milliseconds / 1000).toFixed(1))}s`;
  const total = Math.round(milliseconds / 1000);
  const start = spanUnits.findIndex(([, length]) => total >= length);
  let left = total;
  let text = '';
  for (const [unit, length] of spanUnits.slice(start, start + 2)) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** In whole seconds, for columns of a table; what lies ahead, by a clock that is wrong, is now. */
export function ago(milliseconds: number): string {
  return milliseconds < 1000 ? 'now' : `${humanDuration(Math.floor(milliseconds / 1000) * 1000)} ago`;
}

/** JSON as every command prints it: none of its texts drives a terminal. */
export function renderJson(value: unknown): string {
  const plain = (_key: string, item: unknown) => (typeof item === 'bigint' ? item.toString() : item);
  return `${escapeJson(JSON.stringify(value, plain, 2))}\n`;
}
