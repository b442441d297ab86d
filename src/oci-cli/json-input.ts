/** What a command is given as JSON: in a file, or by its standard input. Engines are written in Go, which reads a member that is null as one that is not there. */
import { parseJsonBytes, type JsonObject, type JsonValue } from '../spec/json.js';
import { asNode } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const mostBytes = 4 * 1024 * 1024;
const pieceBytes = 65_536;

/** @param file its path; `-`: standard input */
export function readJson(file: string): JsonValue {
  return file === '-' ? jsonOf(readStandardInput(), 'standard input') : readJsonFile(file);
}

export function readJsonFile(path: string): JsonValue {
  return jsonOf(asNode(path, () => host.readFile(path, mostBytes)), path);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As `parseJsonBytes` has it; what is right and plain is read natively, a hundred times faster than by QuickJS. */
export function strictJson(bytes: Uint8Array, source: string): JsonValue {
  const value = host.readJson(bytes);
  return value === undefined ? parseJsonBytes(bytes, source) : value;
}

function jsonOf(bytes: Uint8Array, source: string): JsonValue {
  const value = strictJson(bytes, source);
  // A walk through all of a config.json costs more than this look, and few have one.
  return host.decode(bytes)?.includes('null') === true ? withoutNulls(value) : value;
}

/** Whose keys are data: a null there is no field that was left out, but a text that is none. */
const maps: readonly string[] = ['annotations', 'sysctl', 'unified'];

/** Members of objects alone: in an array a null is a fault. */
function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, maps.includes(name) ? member : withoutNulls(member)]));
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
