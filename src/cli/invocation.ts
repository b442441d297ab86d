/** What a command's handler is given: everything that was on its command line, checked, and the world around it. */
import type { RunOptions } from '../index.js';
import type { CommandFlags, CommandName } from './flags/flag.js';

export type { CommandFlags, CommandName } from './flags/flag.js';

/** One set of flags and what they apply to. */
export interface ParsedArguments {
  /** As the command's `positionals` name them: an image, containers, a shell. Never the program to run. */
  readonly positionals: readonly string[];
  /**
   * What the container, or the program in it, shall be. `run` and `explain` fill in any of it; `exec` command, env, cwd, user,
   * terminal and privileged; `update` the limits.
   */
  readonly options: RunOptions;
  readonly flags: CommandFlags;
}

export type InputStream = NodeJS.ReadableStream & { readonly isTTY?: boolean; readonly fd?: number; setRawMode?(raw: boolean): unknown };
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

export interface Invocation extends ParsedArguments {
  readonly command: CommandName;
  /** `explain --diff`: the second set. Its image and program are those of the first where it names none. */
  readonly second?: ParsedArguments;
  /** Each is opened when it is first read from here, so that a command leaves alone what it does not need. */
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Output and errors go to a terminal; told without opening them. */
  readonly atTerminal?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What `src/cli/<command>.ts` exports. */
export interface CommandModule {
  /** Resolves to the exit code. What it throws is printed as an error. */
  readonly run: (invocation: Invocation) => Promise<number>;
}
