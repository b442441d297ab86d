/**
 * The command line, as runc's library for it (urfave/cli) reads one: `-name` and `--name`, `=` or a blank, flags before the other words
 * or among them, up to `--`.
 */
import { RuntimeError } from './runtime-error.js';

/**
 * `text` wants a value, `count` a whole number, `texts` may come more than once, `flag` is there or not (`--detach=false` as well);
 * `refused` is one of runc's that is not held, with the reason.
 */
export type FlagKind = 'text' | 'texts' | 'count' | 'flag' | 'refused';

export interface Flag {
  readonly kind: FlagKind;
  readonly short?: string;
  /** For the help; of what is refused, why. */
  readonly says: string;
}

export type FlagTable = Readonly<Record<string, Flag>>;

export interface Words {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly flags: ReadonlySet<string>;
  /** What is no flag. */
  readonly rest: readonly string[];
}

export const helpFlag: FlagTable = { help: { kind: 'flag', short: 'h', says: 'show help' } };

/** @param flagsFirst the first word that is no flag ends them: what follows are another program's words */
export function readWords(table: FlagTable, words: readonly string[], flagsFirst: boolean): Words {
  const texts = new Map<string, string[]>();
  const flags = new Set<string>();
  const rest: string[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--') return { texts, flags, rest: [...rest, ...words.slice(at + 1)] };
    const [, given, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = given === undefined ? undefined : nameOf(table, given);
    at += 1;
    if (given === undefined || (name === undefined && rest.length > 0)) {
      if (flagsFirst) return { texts, flags, rest: words.slice(at - 1) };
      rest.push(word);
    } else if (name === undefined) {
      throw new RuntimeError(`flag provided but not defined: -${given}`);
    } else if (table[name]?.kind === 'flag') {
      setFlag(flags, name, value);
    } else {
      const text = value ?? words[at];
      if (value === undefined) at += 1;
      setText(texts, table[name], name, text);
    }
  }
  return { texts, flags, rest };
}

function nameOf(table: FlagTable, given: string): string | undefined {
  return Object.entries(table).find(([name, { short }]) => name === given || short === given)?.[0];
}

function setText(texts: Map<string, string[]>, flag: Flag | undefined, name: string, text: string | undefined): void {
  if (flag?.kind === 'refused') throw new RuntimeError(`--${name} is not supported: ${flag.says}`);
  if (text === undefined) throw new RuntimeError(`flag needs an argument: -${name}`);
  if (flag?.kind === 'count' && !/^\d{1,9}$/.test(text)) throw new RuntimeError(`invalid value ${JSON.stringify(text)} for flag -${name}: parse error`);
  texts.set(name, [...(flag?.kind === 'texts' ? (texts.get(name) ?? []) : []), text]);
}

function setFlag(flags: Set<string>, name: string, value: string | undefined): void {
  if (value === undefined || /^(1|t|true)$/i.test(value)) flags.add(name);
  else if (/^(0|f|false)$/i.test(value)) flags.delete(name);
  else throw new RuntimeError(`invalid boolean value "${value}" for -${name}: parse error`);
}

/** The last one that was given. */
export function textOf({ texts }: Words, name: string): string | undefined {
  return texts.get(name)?.at(-1);
}

export function countOf(words: Words, name: string): number {
  return Number(textOf(words, name) ?? 0);
}

/** `table`, or `json`. */
export function wantsJson(words: Words): boolean {
  const format = textOf(words, 'format') ?? 'table';
  if (format !== 'table' && format !== 'json') throw new RuntimeError('invalid format option');
  return format === 'json';
}
