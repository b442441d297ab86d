/** What each file of `commands/` has. */
import type { Settings } from './settings.js';
import type { FlagTable, Words } from './words.js';

export interface Context {
  readonly settings: Settings;
}

export interface Command {
  /** One line, for the list of all. */
  readonly says: string;
  /** What comes after the flags, in the words of a usage line. */
  readonly usage: string;
  readonly flags: FlagTable;
  /** How many words come beside the flags; fewer or more are refused. */
  readonly argumentCount: number | { readonly least: number; readonly most: number };
  /** The words after the first are another program's, and none of them is a flag here. */
  readonly flagsFirst?: true;
  /** None is read: whatever they are, the answer is the same. */
  readonly anyWords?: true;
  /** Gives what the program exits with. */
  run(context: Context, words: Words): number;
}
