/** What the tests of the command line share: a context without a file system, and short ways to parse. */
import type { ExecutionContext } from 'ava';
import type { Command } from '../../src/cli/command.js';
import { findCommand } from '../../src/cli/commands.js';
import type { CommandName, ParsedArguments } from '../../src/cli/invocation.js';
import { parseCommandLine, type ParseResult } from '../../src/cli/parse.js';
import { ValueError, type ValueContext, type ValueType } from '../../src/cli/values/value-type.js';
import { TsrunError } from '../../src/index.js';

export const nowMs = Date.UTC(2026, 0, 31, 12);

export const files: Readonly<Record<string, string>> = {
  './app.env': 'PORT=1\nFROM_FILE=yes\n',
  './.env': 'export GREETING="hello world" # to all\n',
  './app.json': '{ "env": { "STAGE": "test" }, "formation": { "web": { "quantity": 2 } }, "buildpacks": [] }',
  './Procfile': 'web: node server.js\nworker: node worker.js\n',
  './seccomp.json': '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}',
  './docker.json': '{"defaultAction":"SCMP_ACT_ERRNO","archMap":[]}',
  './twice.json': '{"defaultAction":"SCMP_ACT_ALLOW","defaultAction":"SCMP_ACT_KILL"}',
  './other.json': '{"syscalls":[]}',
};

export const context: ValueContext = {
  env: { HOME: '/home/me', EMPTY: '' },
  now: () => nowMs,
  readBeginning: (path, maxBytes) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(content).subarray(0, maxBytes);
  },
};

export function command(name: CommandName): Command {
  const found = findCommand(name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

export function parse(name: CommandName, ...words: string[]): Extract<ParseResult, { kind: 'invocation' }> {
  const result = parseCommandLine(command(name), words, context);
  if (result.kind === 'help') throw new Error('help was asked for');
  return result;
}

export function first(name: CommandName, ...words: string[]): ParsedArguments {
  return parse(name, ...words).first;
}

/** The one refusal of the command line: its code, and what it says. */
export function refuses(t: ExecutionContext, name: CommandName, words: string[], message: string | RegExp, hint?: string | RegExp): void {
  const error = t.throws(() => parse(name, ...words), { instanceOf: TsrunError, message }, words.join(' '));
  t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT');
  t.truthy(error.hint, 'every refusal has a hint');
  if (typeof hint === 'string') t.is(error.hint, hint);
  else if (hint !== undefined) t.regex(error.hint ?? '', hint);
}

/** A table of texts and what they mean. */
export function accepts<T>(t: ExecutionContext, type: ValueType<T>, table: readonly (readonly [text: string, value: T])[]): void {
  for (const [text, value] of table) t.deepEqual(type.parse(text, context), value, text);
}

export function rejects<T>(t: ExecutionContext, type: ValueType<T>, table: readonly (readonly [text: string, message: string | RegExp])[]): void {
  for (const [text, message] of table) t.throws(() => type.parse(text, context), { instanceOf: ValueError, message }, text);
}
