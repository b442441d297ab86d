/** Environment variables, as flags and as docker's env files. */
import { humanSize, quote } from '../output.js';
import { requireText } from './basic.js';
import { ValueError, type ValueContext, type ValueType } from './value-type.js';

type Environment = Readonly<Record<string, string>>;

/** `NAME=value`, or `NAME` alone for the caller's own value; nothing when the caller has none. */
export const variable: ValueType<Environment> = {
  kind: 'string',
  placeholder: 'NAME[=VALUE]',
  parse: (text, context) => parseVariable(requireText(text), context),
};

function parseVariable(text: string, context: ValueContext): Environment {
  if (text.includes('\0')) throw new ValueError('a NUL character is not allowed');
  const at = text.indexOf('=');
  if (at === 0 || text === '') throw new ValueError('the name of the variable is empty');
  if (at > 0) return { [text.slice(0, at)]: text.slice(at + 1) };
  const own = Object.hasOwn(context.env, text) ? context.env[text] : undefined;
  return own === undefined ? {} : { [text]: own };
}

/** The path of an env file, read at once, so that a broken one is found before anything starts. */
export const environmentFile: ValueType<Environment> = {
  kind: 'string',
  placeholder: 'FILE',
  completion: 'file',
  parse: (path, context) => parseEnvironmentFile(readUtf8(path, context), context),
};

/** An execve takes 6 MiB of arguments and environment at most (execve(2)). */
const mostEnvironmentBytes = 1_048_576;

/** The text of a small file. */
export function readUtf8(path: string, context: ValueContext): string {
  const bytes = readBytes(path, context, mostEnvironmentBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ValueError('the file is not UTF-8 text');
  }
}

/** All of a file that is no larger than `maxBytes`. */
export function readBytes(path: string, context: ValueContext, maxBytes: number): Buffer {
  const bytes = readWithOneMore(path, context, maxBytes);
  if (bytes.length <= maxBytes) return bytes;
  throw new ValueError(`the file is larger than ${humanSize(maxBytes)}`, 'give one that is smaller');
}

function readWithOneMore(path: string, context: ValueContext, maxBytes: number): Buffer {
  try {
    return context.readBeginning(path, maxBytes + 1);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new ValueError(`the file cannot be read: ${reason}`);
  }
}

/**
 * Docker's rules: a line is a variable, white space before it is dropped, everything after `=` is its value as it
 * stands (no quoting, no expansion), `#` at the start makes a comment, and a bare name copies the caller's.
 */
export function parseEnvironmentFile(content: string, context: ValueContext): Environment {
  const variables = content.split('\n').flatMap((raw, index) => {
    const line = raw.replace(/\r$/, '').trimStart();
    return line === '' || line.startsWith('#') ? [] : Object.entries(parseLine(line, index + 1, context));
  });
  return Object.fromEntries(variables);
}

function parseLine(line: string, number: number, context: ValueContext): Environment {
  const at = line.indexOf('=');
  // A bare name may be followed by blanks; a name before `=` may not hold any.
  const name = at < 0 ? line.trimEnd() : line.slice(0, at);
  if (/\s/.test(name)) throw new ValueError(`line ${number}: the name ${quote(name)} holds white space`);
  try {
    return parseVariable(at < 0 ? name : line, context);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`line ${number}: ${error.message}`);
  }
}
