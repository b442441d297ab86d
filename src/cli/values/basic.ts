/** Numbers, sizes, durations and words: the values that many flags share. */
import { isContainerId, parseSignal, parseSize, TsrunError } from '../../index.js';
import { ValueError, type Completion, type ValueType } from './value-type.js';

// The spellings that Go's flag packages take, because docker's users have them in scripts.
const truths = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

export function parseBoolean(text: string): boolean {
  const value = truths.get(text);
  if (value === undefined) throw new ValueError('expected true or false');
  return value;
}

export const toggle: ValueType<boolean> = { kind: 'boolean', placeholder: '', parse: parseBoolean };

/** Text that may not be empty. NUL ends a string for the kernel, so it never passes. */
export function text(placeholder: string, completion?: Completion): ValueType<string> {
  return { kind: 'string', placeholder, completion, parse: (value) => requireText(value) };
}

export function requireText(value: string, what = 'a value that is not empty'): string {
  if (value === '') throw new ValueError(`expected ${what}`);
  if (value.includes('\0')) throw new ValueError('a NUL character is not allowed');
  return value;
}

/** The name of a container, which becomes part of paths: read as strictly as everywhere else. */
export const containerName: ValueType<string> = {
  kind: 'string',
  placeholder: 'NAME',
  completion: 'container',
  parse: (value) => {
    if (!isContainerId(value)) throw new ValueError(`expected ${containerNameForm}`);
    return value;
  },
};

export const containerNameForm = 'up to 128 letters, digits, "_", "+", "." and "-", the first neither "." nor "-"';

/** Text of a fixed form; `allowed` completes "expected …". */
export function matching(placeholder: string, pattern: RegExp, allowed: string): ValueType<string> {
  return {
    kind: 'string',
    placeholder,
    parse: (value) => {
      if (!pattern.test(value)) throw new ValueError(`expected ${allowed}`);
      return value;
    },
  };
}

export interface IntegerRange {
  readonly min: number;
  readonly max?: number;
  /** One value outside of the range that has a meaning of its own. */
  readonly also?: { readonly value: number; readonly meaning: string };
}

export function parseInteger(value: string, range: IntegerRange): number {
  const { min, max = Number.MAX_SAFE_INTEGER, also } = range;
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number === also?.value) return number;
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  const bounds = range.max === undefined ? `an integer of at least ${min}` : `an integer from ${min} to ${range.max}`;
  throw new ValueError(`expected ${bounds}${also ? `, or ${also.value} for ${also.meaning}` : ''}`);
}

export function integer(range: IntegerRange, placeholder = 'N'): ValueType<number> {
  return { kind: 'integer', placeholder, parse: (value) => parseInteger(value, range) };
}

/** A decimal number in a range. */
export function decimal(range: { readonly min: number; readonly max: number }, placeholder = 'NUMBER'): ValueType<number> {
  return {
    kind: 'number',
    placeholder,
    parse: (value) => {
      const number = /^\d{1,9}(\.\d{1,9})?$|^\.\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= range.min && number <= range.max)) throw new ValueError(`expected a number from ${range.min} to ${range.max}`);
      return number;
    },
  };
}

export function parseBytes(value: string): number {
  try {
    return parseSize(value);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    throw new ValueError('expected a number of bytes, or one with a unit such as 512m or 1g');
  }
}

/** Bytes, with docker's binary units. */
export const size: ValueType<number> = { kind: 'size', placeholder: 'BYTES', parse: parseBytes };

/** Bytes, or -1 for no limit. */
export const sizeOrUnlimited: ValueType<number> = {
  ...size,
  parse: (value) => {
    if (value === '-1') return -1;
    try {
      return parseBytes(value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ValueError(`${error.message}, or -1 for no limit`);
    }
  },
};

/** Whole seconds, kept as milliseconds; -1 stays -1 and means: for ever. */
export const seconds: ValueType<number> = {
  kind: 'seconds',
  placeholder: 'SECONDS',
  parse: (value) => {
    // In milliseconds, the longest that a timer of Node waits.
    const number = parseInteger(value, { min: 0, max: 2_147_483, also: { value: -1, meaning: 'no end' } });
    return number === -1 ? -1 : number * 1000;
  },
};

/** Whole seconds, kept as milliseconds. */
export const runningTime: ValueType<number> = {
  kind: 'seconds',
  placeholder: 'SECONDS',
  parse: (value) => parseInteger(value, { min: 0, max: 2_147_483 }) * 1000,
};

/** At least one second. */
export const someTime: ValueType<number> = { ...runningTime, parse: (value) => parseInteger(value, { min: 1, max: 2_147_483 }) * 1000 };

/** A signal's name with or without SIG, or its number; kept as the caller's API takes it. */
export const signal: ValueType<string> = {
  kind: 'string',
  placeholder: 'SIGNAL',
  completion: ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'],
  parse: (value) => {
    try {
      parseSignal(value);
    } catch (error) {
      if (!TsrunError.is(error)) throw error;
      throw new ValueError('expected a signal such as SIGTERM, TERM or 15', error.hint);
    }
    return value;
  },
};

/** One of a few words. */
export function oneOf<const Word extends string>(placeholder: string, words: readonly Word[]): ValueType<Word> {
  return {
    kind: 'string',
    placeholder,
    completion: words,
    parse: (value) => {
      const word = words.find((candidate) => candidate === value);
      if (word === undefined) throw new ValueError(`expected one of ${words.join(', ')}`);
      return word;
    },
  };
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** `key=value`; a key alone has an empty value where that is allowed. */
export function parsePair(textOfPair: string, options: { readonly valueRequired: boolean }): Pair {
  const at = textOfPair.indexOf('=');
  const key = at < 0 ? textOfPair : textOfPair.slice(0, at);
  if (key.trim() === '' || (at < 0 && options.valueRequired)) throw new ValueError('expected KEY=VALUE');
  if (textOfPair.includes('\0')) throw new ValueError('a NUL character is not allowed');
  return { key, value: at < 0 ? '' : textOfPair.slice(at + 1) };
}
