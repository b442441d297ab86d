/** The command line, as runc's library for it (urfave/cli) reads one: `-name` and `--name`, `=` or a blank, up to the first word that is no flag. */
import { RuntimeError } from './runtime-error.js';

/** `text` wants a value, `texts` may come more than once, `flag` is there or not (`--detach=false` as well). */
export type FlagKind = 'text' | 'texts' | 'flag';

export type FlagTable = Readonly<Record<string, { readonly kind: FlagKind; readonly short?: string }>>;

export interface Words {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly flags: ReadonlySet<string>;
  /** What comes after the flags. */
  readonly rest: readonly string[];
}

export function readWords(table: FlagTable, words: readonly string[]): Words {
  const texts = new Map<string, string[]>();
  const flags = new Set<string>();
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--') return { texts, flags, rest: words.slice(at + 1) };
    if (!word.startsWith('-') || word === '-') break;
    at += 1;
    const [, given = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = nameOf(table, given);
    if (table[name]?.kind === 'flag') {
      setFlag(flags, name, value);
      continue;
    }
    const text = value ?? words[at];
    if (text === undefined) throw new RuntimeError(`flag needs an argument: -${given}`);
    if (value === undefined) at += 1;
    texts.set(name, [...(table[name]?.kind === 'texts' ? (texts.get(name) ?? []) : []), text]);
  }
  return { texts, flags, rest: words.slice(at) };
}

function nameOf(table: FlagTable, given: string): string {
  const found = Object.entries(table).find(([name, { short }]) => name === given || short === given);
  if (found === undefined) throw new RuntimeError(`flag provided but not defined: -${given}`);
  return found[0];
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
