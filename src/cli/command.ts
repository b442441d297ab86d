/** What a command is, without what it does. */
import type { CommandName } from './invocation.js';
import type { Completion } from './values/value-type.js';

export interface Positional {
  readonly name: string;
  readonly required: boolean;
  /** Takes everything that is left. */
  readonly many: boolean;
  readonly completion: Completion;
}

export interface Example {
  readonly line: string;
  readonly what: string;
}

export interface Command {
  readonly name: CommandName;
  /** Other words for it. */
  readonly aliases?: readonly string[];
  /** One line, lower case, no full stop. */
  readonly summary: string;
  readonly usage: string;
  /** More than the summary, in whole sentences. */
  readonly description?: string;
  readonly positionals: readonly Positional[];
  /** A program and its arguments follow the positionals: flags end at the first positional. */
  readonly takesProgram: boolean;
  /** Exit code of tsrun's own failures: 125 where the program's own codes must stay apart, else 1. */
  readonly failureCode: 1 | 125;
  readonly examples: readonly Example[];
}
