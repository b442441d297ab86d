/** What a command is given as JSON: in a file, or by its standard input. */
import { parseJsonBytes, type JsonValue } from '../spec/json.js';
import { asNode } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const mostBytes = 4 * 1024 * 1024;
const pieceBytes = 65_536;

/** @param file its path; `-`: standard input */
export function readJson(file: string): JsonValue {
  if (file === '-') return parseJsonBytes(readStandardInput(), 'standard input');
  return parseJsonBytes(asNode(file, () => host.readFile(file, mostBytes)), file);
}

function readStandardInput(): Uint8Array {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const piece = host.read(0, pieceBytes);
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    size += piece.length;
    if (size > mostBytes) throw new RuntimeError(`standard input holds more than ${mostBytes} bytes`);
  }
}
