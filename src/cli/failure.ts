/** How an error is told to a person, and with which exit code. */
import { getSystemErrorMap } from 'node:util';
import { explainExit, TsrunError, type Container, type ExecProcess } from '../index.js';
import type { Command } from './command.js';
import { escapeJson } from './escape.js';
import { Interruption } from './interruption.js';
import type { Invocation } from './invocation.js';
import { escapeControl, painter, type Paint } from './output.js';
import { tell } from './tell.js';

/** Wrong flags and arguments are docker's 125 whatever the command; a program that cannot start is the shell's 126 or 127. */
export function exitCodeOf(error: unknown, command: Command | undefined): number {
  if (error instanceof Interruption) return error.exitCode;
  const code = TsrunError.is(error) ? error.code : undefined;
  if (command === undefined || code === 'ERR_TSRUN_INVALID_ARGUMENT') return 125;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE') return 126;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_FOUND') return 127;
  return command.failureCode;
}

/** `tsrun: …` and, where there is one, `hint: …`. */
export function describeFailure(error: unknown, paint: Paint): string {
  return describeSaid(tellFailure(error), paint);
}

/** A sentence of tsrun's, and what to do about it. */
function describeSaid({ message, hint }: { readonly message: string; readonly hint?: string | undefined }, paint: Paint): string {
  const advice = hint === undefined ? '' : `${paint('cyan', 'hint:')} ${safe(hint)}\n`;
  return `${paint('red', 'tsrun:')} ${safe(message)}\n${advice}`;
}

/** After the program's own output: why it ended before it began, where that is known. */
export async function tellExit(program: Container | ExecProcess, invocation: Pick<Invocation, 'stderr' | 'env'>): Promise<void> {
  const explanation = await explainExit(program);
  if (explanation === undefined) return;
  const { stderr, env } = invocation;
  tell(stderr, describeSaid(explanation, painter(stderr, env)));
}

/** The same for programs, in one line. */
export function failureJson(error: unknown): string {
  return `${escapeJson(JSON.stringify({ error: tellFailure(error) }))}\n`;
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
  if (error instanceof Interruption) return { ...nameless, message: error.message, hint: undefined };
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
