/**
 * `WWW-Authenticate` (RFC 9110 11.6.1), which comes from whoever answers: one pass over a bounded text, and what does not fit the
 * grammar ends the list.
 */

/** What a server wants to see before it answers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Keys in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const longest = 8192;
const name = /[!#$%&'*+.^_`|~\w-]+/y;
const separators = /[ \t,]*/y;
const blanks = /[ \t]*/y;
/** Some registries leave the quotes away around a URL, whose characters are no token. */
const bareValue = /[^\s",]+/y;
const quotedValue = /"((?:[^"\\]|\\.)*)"/y;
/** One piece of text in the place of parameters, as `Negotiate` has it. */
const token68 = /[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;

/** The challenges of a header, or of several of that name, in their order. */
export function parseChallenges(header: string | readonly string[] | undefined): readonly Challenge[] {
  const lines = typeof header === 'string' ? [header] : (header ?? []);
  return lines.flatMap((line) => (line.length > longest ? [] : new Parser(line).challenges()));
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  challenges(): Challenge[] {
    const found: Challenge[] = [];
    for (;;) {
      this.#take(separators);
      const scheme = this.#take(name);
      if (scheme === '') return found;
      const spaced = this.#take(blanks) !== '';
      const parameters = spaced ? this.#parameters() : new Map<string, string>();
      if (parameters === undefined) return found;
      found.push({ scheme: scheme.toLowerCase(), parameters });
    }
  }

  /** Until the next scheme, which is a name without a `=`; nothing where one stands twice or its value does not end. */
  #parameters(): Map<string, string> | undefined {
    const parameters = new Map<string, string>();
    if (this.#take(token68) !== '') return parameters;
    for (;;) {
      const start = this.#at;
      this.#take(separators);
      const key = this.#take(name).toLowerCase();
      this.#take(blanks);
      if (key === '' || this.#text[this.#at] !== '=') {
        this.#at = start;
        return parameters;
      }
      this.#at++;
      this.#take(blanks);
      const value = this.#value();
      if (value === undefined || parameters.has(key)) return undefined;
      parameters.set(key, value);
    }
  }

  #value(): string | undefined {
    if (this.#text[this.#at] !== '"') return this.#take(bareValue) || undefined;
    const quoted = this.#take(quotedValue);
    return quoted === '' ? undefined : quoted.slice(1, -1).replace(/\\(.)/g, '$1');
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}
