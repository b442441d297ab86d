/**
 * `.env` files in foreman's form, which `heroku local` reads: `NAME=value`, a line each, with quotes, escapes and comments. Docker's own
 * form of the same has none of these, and is another flag.
 */
import { TsrunError } from '../../spec/errors.js';
import type { JsonValue } from '../../spec/json.js';
import { isUnsafe, printable, show } from '../../spec/quote.js';
import { readJson } from './read-json.js';

/** How a `.env` file is read. */
export interface DotEnvOptions {
  /** Names the file in errors. Default: `.env`. */
  readonly source?: string;
}

/** A name as a shell has it. */
const name = /^[A-Za-z_]\w*$/;
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
/** Where a value goes on over lines: between double quotes, or single ones. */
const doubleQuoted = /"((?:[^"\\]|\\[^])*)"/y;
const singleQuoted = /'([^']*)'/y;
const restOfLine = /[^\n]*/y;
const blanks = /[^\S\n]*/y;

/**
 * The variables of a `.env` file. Between double quotes `\n`, `\r`, `\t` and a backslash before any other character are escapes, between
 * single ones nothing is; both may go on over lines. What stands without quotes ends at ` #`, or with its line. `export` before a name is
 * passed over, nothing is expanded, and the last of several counts. A JSON object is taken too, as node-foreman has it: of
 * `{ "db": { "port": 5432 } }` comes `DB_PORT`.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` with the number of the line
 *
 * @example
 * import { parseDotEnv } from 'tsrun';
 * console.log(parseDotEnv('export NAME="a b" # said twice\nPORT=8080\n')); // { NAME: 'a b', PORT: '8080' }
 */
export function parseDotEnv(text: string, { source = '.env' }: DotEnvOptions = {}): Readonly<Record<string, string>> {
  const whole = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  if (isUnsafe(whole)) throw fault(`${source}: a NUL or half of a surrogate pair`);
  const variables = new Map(/^\s*\{/.test(whole) ? flattened(readJson(whole, source), source) : new Reader(whole, source).variables());
  return Object.fromEntries(variables);
}

class Reader {
  readonly #text: string;
  readonly #source: string;
  #at = 0;

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  *variables(): Generator<readonly [string, string]> {
    while (this.#at < this.#text.length) {
      const variable = this.#variable();
      if (variable !== undefined) yield variable;
      this.#at++;
    }
  }

  /** Leaves off at the end of its last line. */
  #variable(): readonly [string, string] | undefined {
    const start = this.#at;
    const line = this.#take(restOfLine);
    if (/^\s*(?:#|$)/.test(line)) return undefined;
    const equals = line.indexOf('=');
    if (equals < 0) throw this.#fault(start, `expected NAME=value, found '${printable(line)}'`);
    const given = line.slice(0, equals).trim().replace(/^export\s+/, '');
    if (!name.test(given)) throw this.#fault(start, `${show(given)} is not the name of a variable`);
    this.#at = start + equals + 1;
    this.#take(blanks);
    return [given, this.#value(start)];
  }

  #value(start: number): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return this.#take(restOfLine).replace(/(?:^|\s)#.*$/, '').trimEnd();
    const quoted = this.#take(quote === '"' ? doubleQuoted : singleQuoted);
    if (quoted === '') throw this.#fault(start, `a quote ${quote} that is not closed`, 'put a backslash before it, or close it');
    const rest = this.#take(restOfLine);
    if (!/^\s*(?:#|$)/.test(rest)) throw this.#fault(start, `after the closing quote stands '${printable(rest.trim())}'`, 'put quotes around all of the value, or none');
    const value = quoted.slice(1, -1);
    return quote === "'" ? value : value.replace(/\\([^])/g, (_, character: string) => escapes[character] ?? character);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [taken = ''] = pattern.exec(this.#text) ?? [];
    this.#at += taken.length;
    return taken;
  }

  #fault(at: number, message: string, hint?: string): TsrunError {
    return fault(`${this.#source}:${this.#text.slice(0, at).split('\n').length}: ${message}`, hint);
  }
}

function flattened(value: JsonValue, source: string, prefix = ''): (readonly [string, string])[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => flattened(each, source, `${prefix}_${index}`));
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([key, each]) => flattened(each, source, prefix === '' ? key : `${prefix}_${key}`));
  const variable = prefix.toUpperCase();
  if (!name.test(variable)) throw fault(`${source}: ${show(variable)} is not the name of a variable`);
  return [[variable, value === null ? '' : String(value)]];
}

function fault(message: string, hint = 'a line is NAME=value'): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { hint });
}
