/** What each file of `commands/` has. */
import type { Settings } from './settings.js';
import type { FlagTable, Words } from './words.js';

export interface Context {
  readonly settings: Settings;
}

export interface Command {
  readonly flags: FlagTable;
  /** How many words come after the flags; fewer or more are refused. */
  readonly argumentCount: number | { readonly least: number; readonly most: number };
  /** Gives what the program exits with. */
  run(context: Context, words: Words): number;
}
