/** What a caller may ask for when it executes a further program. */
import type { RunOptions } from './options.js';

/** What `Runtime.exec` may be asked for; what is left out is as the container's own program has it. */
export interface ExecOptions extends Pick<RunOptions, 'env' | 'cwd' | 'user' | 'groups' | 'terminal' | 'stdin' | 'stdout' | 'stderr' | 'privileged'> {
  /** Program and arguments. A program without a slash is looked for in the PATH of `env`, else of the container. */
  readonly command: readonly string[];
  /** Processors to run on, as in `0-3,8`. Default: what the container's `process.execCPUAffinity.final` says, else all of its own. */
  readonly cpuAffinity?: string;
  /** It goes on when this process ends. Default: false. */
  readonly survive?: boolean;
  /** With a terminal: `keep` may leave it running later, because the launcher reads along. Default: false, true with `survive`. */
  readonly detachable?: boolean;
}

/** From the short form, in which only the command is given. */
export function execOptions(command: readonly string[] | ExecOptions): ExecOptions {
  return isCommand(command) ? { command } : command;
}

/** `Array.isArray` does not tell a readonly array from the rest. */
function isCommand(command: readonly string[] | ExecOptions): command is readonly string[] {
  return Array.isArray(command);
}
