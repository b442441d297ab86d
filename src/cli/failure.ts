/** How an error is told to a person, and with which exit code. */
import { getSystemErrorMap } from 'node:util';
import { TsrunError } from '../index.js';
import type { Command } from './command.js';
import { escapeControl, type Paint } from './output.js';

/** Wrong flags and arguments are docker's 125 whatever the command; a program that cannot start is the shell's 126 or 127. */
export function exitCodeOf(error: unknown, command: Command | undefined): number {
  const code = TsrunError.is(error) ? error.code : undefined;
  if (command === undefined || code === 'ERR_TSRUN_INVALID_ARGUMENT') return 125;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE') return 126;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_FOUND') return 127;
  return command.failureCode;
}

/** `tsrun: …` and, where there is one, `hint: …`. */
export function describeFailure(error: unknown, paint: Paint): string {
  const { message, hint } = tellFailure(error);
  const advice = hint === undefined ? '' : `${paint('cyan', 'hint:')} ${safe(hint)}\n`;
  return `${paint('red', 'tsrun:')} ${safe(message)}\n${advice}`;
}

/** The same for programs, in one line. */
export function failureJson(error: unknown): string {
  return `${JSON.stringify({ error: tellFailure(error) })}\n`;
}

interface Told {
  readonly code: string | undefined;
  readonly field: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** For a fault of tsrun itself the stack, since it is to be reported. */
function tellFailure(error: unknown): Told {
  if (TsrunError.is(error)) return { code: error.code, field: error.field, message: error.message, hint: error.hint };
  const nameless = { code: undefined, field: undefined };
  const unwritten = outputFault(error);
  if (unwritten !== undefined) return { ...nameless, message: unwritten, hint: 'make room where it leads, or send it elsewhere' };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { ...nameless, message: `internal error: ${text}`, hint: 'this is a fault of tsrun; please report it with the lines above' };
}

/** Where output leads is the caller's: a full disk there is no fault of ours. */
function outputFault(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'write' && 'errno' in error && typeof error.errno === 'number')) return undefined;
  const [name, text] = getSystemErrorMap().get(error.errno) ?? ['an error', ''];
  return `output cannot be written: ${text} (${name})`;
}

/** Line breaks stay: messages of several lines are meant to be read as such. */
function safe(text: string): string {
  return text.split('\n').map(escapeControl).join('\n');
}
