/** Text in cells of a terminal: so wide, never wider. What came from elsewhere is made harmless. */
import { stripVTControlCharacters } from 'node:util';
import { cut, displayWidth, escapeControl } from '../output.js';

/** Of text without end only so much is looked at for each cell, as some characters take none. */
const mostPerCell = 4;

/** One line of it, cut to the width, without the colours that it may have brought. */
export function harmless(text: string, width: number): string {
  return cut(escapeControl(stripVTControlCharacters(text.slice(0, width * mostPerCell))), width);
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** Full at 1, and above; nothing where nobody knows. */
export function bar(share: number | undefined, width: number): string {
  if (share === undefined) return ' '.repeat(width);
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Both ends of a line; where there is no room for both, the left one. */
export function ends(left: string, right: string, width: number): string {
  const room = width - displayWidth(left) - displayWidth(right);
  return room < 2 ? cut(left, width) : left + ' '.repeat(room) + right;
}
