/**
 * What a flag's text may be. A value type turns text into a value or throws a ValueError; it knows nothing of the flag
 * that it stands behind, so that the parser alone words the whole message.
 */

export type ValueKind = 'boolean' | 'string' | 'integer' | 'number' | 'size' | 'seconds' | 'list' | 'pairs';

/**
 * What the shell should offer for a value: a fixed list of words, or something that it looks up. `image`: a folder, or one of the store;
 * `object`: a container, or an image of the store;
 * `path`: a file, or the name of a container with a colon behind it.
 */
export type Completion = 'file' | 'folder' | 'path' | 'container' | 'image' | 'stored-image' | 'object' | readonly string[];

/** What a value may depend on besides its text. Injected, so that parsing stays testable. */
export interface ValueContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** At most the first `maxBytes` of a file. */
  readonly readBeginning: (path: string, maxBytes: number) => Buffer;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface ValueType<T> {
  readonly kind: ValueKind;
  /** How help names the value, in capitals; empty for a boolean. */
  readonly placeholder: string;
  readonly parse: (text: string, context: ValueContext) => T;
  readonly completion?: Completion | undefined;
}

/** A value that is not allowed. The message continues `invalid value "…" for --flag: `. */
export class ValueError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'ValueError';
    this.hint = hint;
  }
}

/** Docker's words for "not set", which scripts write where a variable is empty; undefined for these. */
export function orUnset<T>(type: ValueType<T>, unset: RegExp): ValueType<T | undefined> {
  return { ...type, parse: (text, context) => (unset.test(text) ? undefined : type.parse(text, context)) };
}

export const empty = /^$/;
export const zero = /^0+(?:\.0*)?$/;

/** The same value, given any number of times. */
export function listOf<T>(element: ValueType<T>): ValueType<T> {
  return { ...element, kind: 'list' };
}

/** The same value, given any number of times, each a key with a value. */
export function pairsOf<T>(element: ValueType<T>): ValueType<T> {
  return { ...element, kind: 'pairs' };
}
