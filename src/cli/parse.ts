/**
 * A command line in, a checked set of options out. Node's own parser splits words into flags and values; what is docker's
 * is here: flags end at the first positional of a command that takes a program, and every value is checked at once.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isContainerId, nearest, TsrunError } from '../index.js';
import type { Command } from './command.js';
import { quote } from './escape.js';
import { emptyDraft, type Draft, type Flag } from './flags/flag.js';
import { flagsOf, spellings } from './flags.js';
import type { ParsedArguments } from './invocation.js';
import { containerNameForm } from './values/basic.js';
import { ValueError, type ValueContext } from './values/value-type.js';

export type ParseResult =
  | { readonly kind: 'help' }
  | { readonly kind: 'invocation'; readonly first: ParsedArguments; readonly second?: ParsedArguments };

/** @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` */
export function parseCommandLine(command: Command, words: readonly string[], context: ValueContext): ParseResult {
  const first = scan(command, words, context);
  if (first === undefined) return { kind: 'help' };
  if (first.draft.flags.diff !== true || !command.takesProgram) return { kind: 'invocation', first: finish(command, first) };
  return compare(command, first, context);
}

interface Scan {
  readonly draft: Draft;
  /** Everything that is neither a flag nor a flag's value. For a command that takes a program: all from the first positional. */
  readonly rest: readonly string[];
}

function scan(command: Command, words: readonly string[], context: ValueContext): Scan | undefined {
  const bySpelling = new Map(flagsOf(command.name).flatMap((flag) => spellings(flag).map((spelling) => [spelling, flag] as const)));
  const plainWords = words.map((word) => lengthenShort(word, bySpelling));
  const plainTexts = plainWords.map(({ text }) => text);
  const draft = emptyDraft();
  const rest: string[] = [];
  for (const token of tokenize(plainTexts, bySpelling.values())) {
    if (token.kind === 'option-terminator') return { draft, rest: [...rest, ...words.slice(token.index + 1)] };
    if (token.kind === 'positional') {
      if (command.takesProgram) return { draft, rest: words.slice(token.index) };
      rest.push(token.value);
      continue;
    }
    for (const joined of plainWords[token.index]?.joined ?? []) applyFlag(joined, `--${joined.name}`, undefined, draft, context);
    const flag = bySpelling.get(token.rawName);
    if (flag === undefined) {
      if (token.rawName === '--help' || token.rawName === '-h') return undefined;
      throw unknownFlag(token.rawName, plainTexts[token.index] ?? '', command, bySpelling);
    }
    const behind = words[token.index + 1];
    // Alone it says what holds anyway.
    if (flag.default === 'true' && token.inlineValue !== true && (behind === 'true' || behind === 'false')) throw invalid(`the value of ${token.rawName} stands behind a blank`, `write ${token.rawName}=${behind}`);
    // The value is taken from the words as they were given: a lengthened one would have changed it.
    const next = flag.kind === 'boolean' ? undefined : behind;
    applyFlag(flag, token.rawName, token.inlineValue === true ? token.value : next, draft, context);
  }
  return { draft, rest };
}

interface PlainWord {
  readonly text: string;
  /** Switches before the last letter, which are set. */
  readonly joined: readonly Flag[];
}

/** Short flags may carry a value after `=` in docker (`-m=1g`, `-t=false`, `-it=false` for the last); in Node's parser only long ones may. */
function lengthenShort(word: string, bySpelling: ReadonlyMap<string, Flag>): PlainWord {
  const [, before = '', last = '', value = ''] = /^-([A-Za-z]*)([A-Za-z])=(.*)$/s.exec(word) ?? [];
  const flag = bySpelling.get(`-${last}`);
  const joined = Array.from(before).flatMap((letter) => bySpelling.get(`-${letter}`) ?? []).filter(({ kind }) => kind === 'boolean');
  // One that takes a value takes all that follows; one that is unknown is told of by Node's parser.
  return flag === undefined || joined.length < before.length ? { text: word, joined: [] } : { text: `--${flag.name}=${value}`, joined };
}

function tokenize(words: string[], known: Iterable<Flag>) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const flag of known) {
    const type = flag.kind === 'boolean' ? 'boolean' : 'string';
    for (const name of [flag.name, ...(flag.aliases ?? [])]) options[name] = { type };
    options[flag.name] = flag.short === undefined ? { type } : { type, short: flag.short };
  }
  // Not strict: its own messages name no allowed values, and it refuses `--flag=false`.
  return parseArgs({ args: words, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function applyFlag(flag: Flag, spelling: string, given: string | undefined, draft: Draft, context: ValueContext): void {
  const text = flag.kind === 'boolean' ? (given ?? 'true') : given;
  if (text === undefined) throw invalid(`flag ${spelling} needs a value`, exampleOf(flag, spelling));
  try {
    flag.apply(draft, text, context);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    if (given === undefined) throw invalid(`${spelling} ${error.message}`, error.hint ?? 'leave one of the two away');
    throw invalid(`invalid value ${quote(text)} for ${spelling}: ${error.message}`, error.hint ?? exampleOf(flag, spelling));
  }
}

function exampleOf(flag: Flag, spelling: string): string {
  return flag.kind === 'boolean' ? `write ${spelling} or ${spelling}=false` : `for example ${spelling} ${flag.example}`;
}

function unknownFlag(spelling: string, word: string, command: Command, known: ReadonlyMap<string, Flag>): TsrunError {
  const names = [...known.keys()].filter((candidate) => candidate.startsWith('--')).map((candidate) => candidate.slice(2));
  // `-rm` is a row of short flags to every parser, and means --rm.
  const written = spelling.startsWith('--') ? spelling : (word.split('=', 1)[0] ?? '');
  const name = written.replace(/^--?/, '');
  const elsewhere = new Map([...known.values()].flatMap((flag) => Object.entries(flag.elsewhere ?? {})));
  const meant = elsewhere.get(name) ?? nearest(name, [...names, 'help']);
  const what = meant === undefined ? `${quote(spelling)} for ${command.name}` : `${quote(written)} for ${command.name}, did you mean --${meant}?`;
  const own = `tsrun ${command.name} --help lists the flags`;
  const hint = command.takesProgram ? `${own}; those of the program come after its name` : own;
  return invalid(`unknown flag ${what}`, hint);
}

function finish(command: Command, { draft, rest }: Scan): ParsedArguments {
  const { options, flags, fileEnv } = draft;
  const env = { ...fileEnv, ...options.env };
  if (Object.keys(env).length > 0) options.env = env;
  // The API forgets a container that has ended unless told otherwise; at a shell docker's habit holds.
  if (command.name === 'run') options.autoRemove ??= false;
  if (options.root !== undefined && (options.rootBytes ?? options.rootStorage) !== undefined) {
    throw invalid(`--storage-opt sizes the disposable root, which --${options.root} does without`, 'leave one of the two away');
  }
  // A one-off dyno has the image of its app: all of it is program.
  const expected = command.name === 'run' && flags.appName !== undefined ? { ...command, positionals: [] } : command;
  const split = command.takesProgram ? splitProgram(rest, expected.positionals.length) : { positionals: rest, program: [] };
  checkCount(expected, split.positionals);
  if (command.name === 'exec' && split.program.length === 0) throw invalid('no program given', `usage: ${command.usage}`);
  if (split.program.length > 0) options.command = split.program;
  if (command.name === 'update' && Object.keys(options).length === 0) throw invalid('no limit given', `usage: ${command.usage}; 0 of --cpus, --cpu-shares and --memory-swap and an empty list stand for what is not set, and change none`);
  return { positionals: split.positionals, options, flags };
}

function splitProgram(rest: readonly string[], count: number): { positionals: readonly string[]; program: readonly string[] } {
  const program = rest.slice(count);
  return { positionals: rest.slice(0, count), program: program[0] === '--' ? program.slice(1) : program };
}

function checkCount(command: Command, given: readonly string[]): void {
  const hint = `usage: ${command.usage}`;
  const missing = command.positionals.find((positional, index) => positional.required && given[index] === undefined);
  if (missing !== undefined) throw invalid(`no ${missing.name} given`, hint);
  const last = command.positionals.at(-1);
  const extra = last?.many === true ? undefined : given[command.positionals.length];
  if (extra !== undefined) throw invalid(`unexpected argument ${quote(extra)}`, hint);
  for (const [index, value] of given.entries()) {
    const positional = command.positionals[index] ?? last;
    if (value === '') throw invalid(`argument ${index + 1} of ${command.name} is empty`, hint);
    if (positional?.completion === 'container' && !isContainerId(value)) {
      throw invalid(`${quote(value)} cannot be the name of a container`, `names have ${containerNameForm}`);
    }
  }
}

/** `[flags] image [program] -- [flags] [image [program]]`: the second set stands for itself, but for image and program. */
function compare(command: Command, scanned: Scan, context: ValueContext): ParseResult {
  const at = scanned.rest.indexOf('--');
  if (at < 0) throw invalid('--diff needs a second set of flags after "--"', 'for example tsrun explain --diff IMAGE -- --privileged');
  const first = finish(command, { draft: scanned.draft, rest: scanned.rest.slice(0, at) });
  const other = scan(command, scanned.rest.slice(at + 1), context);
  if (other === undefined) return { kind: 'help' };
  const inherited = [...first.positionals, ...(first.options.command ?? [])];
  const second = finish(command, { draft: other.draft, rest: other.rest.length > 0 ? other.rest : inherited });
  return { kind: 'invocation', first, second };
}

function invalid(message: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { hint });
}
