/**
 * How values and places in a document appear in an error: short, on one line, and without a byte that a terminal
 * would act on, since what is shown may come from an attacker's file.
 */

const longest = 64;

/** Control characters, and those that reorder or hide what follows them; JSON.stringify leaves these as they are. */
const unprintable = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A value as an error message names it. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `"${printable(value)}"`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return printable(String(value));
    case 'undefined':
      return 'nothing';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** `text` with everything escaped that is not to be printed, cut to `limit` characters. */
export function printable(text: string, limit = longest): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return JSON.stringify(cut)
    .slice(1, -1)
    .replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The JSON pointer (RFC 6901) of member `key` of the value at `at`. */
export function pointer(at: string, key: string | number): string {
  return `${at}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** NUL ends a string early in C; half of a surrogate pair has no form in UTF-8 and would become another character. */
export function isUnsafe(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}

/** `text` with the sign for what is no character (U+FFFD) in the place of each: for what is read by people alone. */
export function withoutUnsafe(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
