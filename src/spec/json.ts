/**
 * A JSON reader for configuration, where a second meaning is an attack: a duplicate key, a wrapped integer or a NUL
 * would let one program check a value and another use a different one. JSON.parse accepts all three.
 */

import { TsrunError } from './errors.js';
import { isUnsafe, pointer, printable, show } from './quote.js';

/** What `parseJsonBytes` gives. Integers above 2^53 are bigints, never rounded. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** Has no prototype, so that a key such as `__proto__` is a key like any other. */
export interface JsonObject {
  [key: string]: JsonValue;
}

const mostBytes = 4 * 1024 * 1024;
const deepest = 64;
const largestInteger = 2n ** 64n - 1n;
const smallestInteger = -(2n ** 63n);

/** Blank, tab, line feed, carriage return: no other character is white space in JSON. */
const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const plainText = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const word = /[-+.\w]+/y;
const number = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const literals = new Map<string, JsonValue>([['null', null], ['true', true], ['false', false]]);

/**
 * Reads one JSON document. Integers that a number holds exactly become numbers, larger ones up to 64 bits bigints.
 *
 * @param source names the document in errors, e.g. its path
 * @throws ERR_TSRUN_INVALID_SPEC with line and column in the message and the JSON pointer in `field`
 */
export function parseJson(text: string, source: string): JsonValue {
  return new Parser(text, source, false).document();
}

/** The same for a file's bytes, which must be UTF-8: decoding them leniently would change names silently. */
export function parseJsonBytes(bytes: Uint8Array, source: string): JsonValue {
  return parseJson(decode(bytes, source), source);
}

/** The same where texts may hold a NUL or half of a surrogate pair: who takes it looks for them. */
export function parseLooseJsonBytes(bytes: Uint8Array, source: string): JsonValue {
  return new Parser(decode(bytes, source), source, true).document();
}

function decode(bytes: Uint8Array, source: string): string {
  if (bytes.length > mostBytes) throw invalid(`${source}: larger than ${mostBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`${source}: not valid UTF-8`, '', cause);
  }
}

function invalid(message: string, field = '', cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_SPEC', message, { field, cause });
}

class Parser {
  readonly #text: string;
  readonly #source: string;
  readonly #isLoose: boolean;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, source: string, isLoose: boolean) {
    this.#text = text;
    this.#source = source;
    this.#isLoose = isLoose;
  }

  document(): JsonValue {
    if (Buffer.byteLength(this.#text) > mostBytes) this.#fail(`larger than ${mostBytes} bytes`);
    if (this.#text.startsWith('\ufeff')) this.#fail('starts with a byte order mark');
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#unexpected('the end of the document');
    return value;
  }

  #value(): JsonValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(): JsonObject {
    const object: JsonObject = { __proto__: null };
    this.#members('}', () => {
      this.#skipSpace();
      const start = this.#at;
      if (this.#text[start] !== '"') this.#unexpected('a key in double quotes');
      const key = this.#string();
      this.#path.push(key);
      if (Object.hasOwn(object, key)) this.#fail(`duplicate key ${show(key)}`, start);
      if (!this.#accept(':')) this.#unexpected('":"');
      object[key] = this.#value();
      this.#path.pop();
    });
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#members(']', () => {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
    });
    return array;
  }

  #members(end: string, readMember: () => void): void {
    if (this.#path.length >= deepest) this.#fail(`nested deeper than ${deepest} levels`);
    this.#at++;
    if (this.#accept(end)) return;
    do readMember();
    while (this.#accept(','));
    if (!this.#accept(end)) this.#unexpected(`"," or "${end}"`);
  }

  #string(): string {
    const start = this.#at++;
    let text = this.#take(plainText);
    while (this.#text[this.#at] === '\\') text += this.#escape() + this.#take(plainText);
    if (this.#at >= this.#text.length) this.#fail('text without a closing quote', start);
    if (this.#text[this.#at] !== '"') this.#fail('control character in text, to be written as an escape');
    this.#at++;
    if (!this.#isLoose && isUnsafe(text)) this.#fail(`NUL or half of a surrogate pair in ${show(text)}`, start);
    return text;
  }

  #escape(): string {
    const start = this.#at;
    const code = this.#take(escape).slice(1);
    if (code === '') this.#fail(`unknown escape ${show(this.#text.slice(start, start + 2))} in text`);
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return escapes[code] ?? code;
  }

  #scalar(): JsonValue {
    const start = this.#at;
    const text = this.#take(word);
    const literal = literals.get(text);
    if (literal !== undefined) return literal;
    const [whole, fraction, exponent] = number.exec(text) ?? [];
    if (whole === undefined) this.#unexpected('a value', start);
    if (fraction === undefined && exponent === undefined) return this.#integer(whole, start);
    if (!Number.isFinite(Number(whole))) this.#fail(`number ${printable(whole)} is out of range`, start);
    return Number(whole);
  }

  #integer(text: string, start: number): number | bigint {
    if (Number.isSafeInteger(Number(text))) return Number(text);
    // The length goes first: the time that BigInt takes grows with the square of the digits.
    const exact = text.length <= 20 ? BigInt(text) : undefined;
    if (exact === undefined || exact > largestInteger || exact < smallestInteger) {
      this.#fail(`integer ${printable(text)} does not fit in 64 bits`, start);
    }
    return exact;
  }

  #take(pattern: RegExp): string {
    const start = this.#at;
    pattern.lastIndex = start;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }

  #skipSpace(): void {
    while (space.has(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #accept(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #unexpected(expects: string, start = this.#at): never {
    this.#at = start;
    const rest = this.#take(word) || this.#text.slice(start, start + 1);
    if (rest === '/' || rest === '#') this.#fail('comments are not part of JSON', start);
    this.#fail(`expected ${expects}, found ${rest === '' ? 'the end of the document' : show(rest)}`, start);
  }

  #fail(message: string, at = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    throw invalid(`${this.#source}:${line}:${column}: ${message}`, this.#path.reduce<string>(pointer, ''));
  }
}
