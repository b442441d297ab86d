/** How an error is told to a person, and with which exit code. */
import { explainExit, TsrunError, type Container, type ExecProcess } from '../index.js';
import type { Command } from './commands.js';
import type { Invocation } from './invocation.js';
import { escapeControl, painter, type Paint } from './output.js';

/** Wrong flags and arguments are docker's 125 whatever the command; a program that cannot start is the shell's 126 or 127. */
export function exitCodeOf(error: unknown, command: Command | undefined): number {
  const code = TsrunError.is(error) ? error.code : undefined;
  if (command === undefined || code === 'ERR_TSRUN_INVALID_ARGUMENT') return 125;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE') return 126;
  if (command.failureCode === 125 && code === 'ERR_TSRUN_COMMAND_NOT_FOUND') return 127;
  return command.failureCode;
}

/** `tsrun: …` and, where there is one, `hint: …`; for a fault of tsrun itself the stack, since it is to be reported. */
export function describeFailure(error: unknown, paint: Paint): string {
  if (TsrunError.is(error)) return describeSaid(error, paint);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint('red', 'tsrun:')} internal error: ${safe(text)}\n${paint('cyan', 'hint:')} this is a fault of tsrun; please report it with the lines above\n`;
}

/** A sentence of tsrun's, and what to do about it. */
function describeSaid({ message, hint }: { readonly message: string; readonly hint?: string | undefined }, paint: Paint): string {
  const advice = hint === undefined ? '' : `${paint('cyan', 'hint:')} ${safe(hint)}\n`;
  return `${paint('red', 'tsrun:')} ${safe(message)}\n${advice}`;
}

/** After the program's own output: why it ended before it began, where that is known. */
export async function tellExit(program: Container | ExecProcess, { stderr, env }: Pick<Invocation, 'stderr' | 'env'>): Promise<void> {
  const explanation = await explainExit(program);
  if (explanation !== undefined) stderr.write(describeSaid(explanation, painter(stderr, env)));
}

/** Line breaks stay: messages of several lines are meant to be read as such. */
function safe(text: string): string {
  return text.split('\n').map(escapeControl).join('\n');
}
