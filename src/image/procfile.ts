/**
 * Procfiles: `type: command`, a line each. Nobody ever wrote down what they are, and each platform reads them a little differently; by
 * default tsrun takes what any of them takes, as far as that has one meaning.
 */
import { TsrunError } from '../spec/errors.js';
import { isUnsafe, printable } from '../spec/quote.js';

/** Whose reading of a Procfile; `union` takes what any of them takes. */
export type ProcfileDialect = 'union' | 'heroku-classic' | 'cnb' | 'dokku' | 'foreman' | 'herokuish' | 'piku';

/** What a Procfile says. */
export interface Procfile {
  /** Process type → command, byte by byte, in the file's order. */
  readonly processTypes: ReadonlyMap<string, string>;
  /** What was read but may not be what its author meant, with the line. */
  readonly warnings: readonly string[];
}

/** How a Procfile is read. */
export interface ProcfileOptions {
  /** Default: `union`. */
  readonly dialect?: ProcfileDialect;
  /** Names the file in errors. Default: `Procfile`. */
  readonly source?: string;
}

interface Dialect {
  /** Key and value of a line, in which U+2028 is a character like any other. */
  readonly line: RegExp;
  /** Lines that say nothing. */
  readonly comment: RegExp;
  /** What is cut off a value's end. */
  readonly trailing?: RegExp;
  readonly twice: 'last' | 'first' | 'refused';
  /** A line that is none of these: an error, or passed over with a warning. */
  readonly other: 'refused' | 'ignored';
  /** Only keys in this form are left as they are. */
  readonly key?: RegExp;
  readonly emptyRefused?: boolean;
}

const hash = /^\s*#/;
const hashOrSlashes = /^\s*(?:#|\/\/)/;

const dialects: Readonly<Record<ProcfileDialect, Dialect>> = {
  union: { line: /^\s*([\w-]+)\s*:\s*(\S.*)$/s, comment: hashOrSlashes, twice: 'last', other: 'refused' },
  // heroku/buildpacks-procfile, SPEC.md, tells of Heroku's own: the colon may be missing, the space after it may not.
  'heroku-classic': { line: /^\s*([\w-]+):?\s+(\S.*)$/s, comment: hash, twice: 'last', other: 'ignored' },
  cnb: { line: /^\s*([\w-]+):\s*(\S.*)$/s, comment: hash, twice: 'last', other: 'refused', key: /^[a-z\d](?:[-a-z\d]{0,61}[a-z\d])?$/ },
  // A comment may stand behind a command; `--color '#fff'` after a blank is cut there as well.
  dokku: { line: /^([\w-]+)\s*:\s*(\S.*)$/s, comment: hashOrSlashes, trailing: /\s+(?:#|\/\/).*$/s, twice: 'refused', other: 'refused', emptyRefused: true },
  foreman: { line: /^([\w-]+):\s*(\S.*)$/s, comment: hash, twice: 'last', other: 'ignored' },
  herokuish: { line: /^([^:]+):\s*(\S.*)$/s, comment: /^(?!)/, twice: 'first', other: 'ignored' },
  piku: { line: /^([^:]+):\s*(\S.*)$/s, comment: hash, twice: 'last', other: 'ignored' },
};

/**
 * The process types of a Procfile.
 *
 * @throws TsrunError `ERR_TSRUN_IMAGE` with the number of the line
 *
 * @example
 * import { parseProcfile } from 'tsrun';
 * console.log(parseProcfile('web: node server.js\nworker: node worker.js').processTypes.get('worker')); // node worker.js
 */
export function parseProcfile(text: string, { dialect = 'union', source = 'Procfile' }: ProcfileOptions = {}): Procfile {
  const rules = dialects[dialect];
  const processTypes = new Map<string, string>();
  const warnings: string[] = [];
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (const [index, whole] of lines.entries()) {
    const line = whole.replace(/\r$/, '');
    const place = `${source}:${index + 1}`;
    if (isUnsafe(line)) throw fault(`${place}: a NUL or half of a surrogate pair`);
    if (line.trim() === '' || rules.comment.test(line)) continue;
    const [, written = '', value = ''] = rules.line.exec(line) ?? [];
    if (written === '') {
      if (rules.other === 'refused') throw fault(`${place}: ${whatIsWrong(line)}`);
      warnings.push(`${place}: passed over, it is no process type: '${printable(line)}'`);
      continue;
    }
    const type = corrected(written.trim(), rules, place, warnings);
    const isTwice = processTypes.has(type);
    if (isTwice && rules.twice === 'refused') throw fault(`${place}: '${printable(type)}' stands there twice`);
    if (isTwice) warnings.push(`${place}: '${printable(type)}' stands there twice, the ${rules.twice} one counts`);
    if (!isTwice || rules.twice === 'last') processTypes.set(type, rules.trailing === undefined ? value : value.replace(rules.trailing, ''));
  }
  if (processTypes.size === 0 && rules.emptyRefused === true) throw fault(`${source} names no process type`);
  return { processTypes, warnings };
}

/** What is run where nobody says a type: `web`, or the only one. */
export function defaultProcess(processTypes: ReadonlyMap<string, string>): string | undefined {
  const [only, ...others] = processTypes.values();
  return processTypes.get('web') ?? (others.length === 0 ? only : undefined);
}

/** Cloud Native Buildpacks put names right that their own rules do not allow. */
function corrected(type: string, { key }: Dialect, place: string, warnings: string[]): string {
  if (key === undefined || key.test(type)) return type;
  const better = type.toLowerCase().replaceAll('_', '-');
  if (!key.test(better)) throw fault(`${place}: '${printable(type)}' is not a process type of buildpacks`, 'it has 1 to 63 lower-case letters, digits and dashes, and neither starts nor ends with a dash');
  warnings.push(`${place}: '${printable(type)}' is taken for '${printable(better)}'`);
  return better;
}

function whatIsWrong(line: string): string {
  const [, type] = /^\s*([\w-]+)\s*:\s*$/.exec(line) ?? [];
  if (type !== undefined) return `'${printable(type)}' has no command`;
  if (/^\s*[\w-]+\s/.test(line)) return `expected 'type: command', found '${printable(line)}', without a colon`;
  return `expected 'type: command', with letters, digits, '-' and '_' in the type, found '${printable(line)}'`;
}

function fault(message: string, hint = 'a line is type: command, such as web: node server.js'): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', message, { hint });
}
