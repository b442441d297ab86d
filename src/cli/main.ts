/** The entry of `tsrun`: finds the command, checks its command line, loads its handler alone, and ends with its code. */
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { TsrunError } from '../index.js';
import { readBeginning } from './bounded-file.js';
import type { Command } from './command.js';
import { findCommand, nearestCommand } from './commands.js';
import { describeFailure, exitCodeOf, failureJson } from './failure.js';
import { handlers } from './handlers.js';
import { helpWidth, renderCommandHelp, renderOverview, type HelpStyle } from './help.js';
import type { Invocation } from './invocation.js';
import { painter, quote } from './output.js';
import { parseCommandLine, type ParseResult } from './parse.js';
import { isForgiven, tell } from './tell.js';
import { readVersion } from './version.js';

type Parsed = Extract<ParseResult, { kind: 'invocation' }>;

/** The command whose handler runs, for what fails outside of its promise. */
let running: Command | undefined;
/** Errors are told to a program: `--json` of the commands below. */
let tellsJson = false;

const tellingJson: ReadonlySet<string> = new Set(['run', 'pull', 'load', 'import', 'rmi', 'layers']);

async function main(given: readonly string[]): Promise<number> {
  const [word, ...rest] = commandFirst(given);
  if (word === undefined || word === '--help' || word === '-h') return print(renderOverview(helpStyle()));
  if (word === '--version' || word === '-v') return print(`tsrun ${readVersion()}\n`);
  if (word === 'help') return help(rest[0]);
  const command = findCommand(word);
  if (command === undefined) return fail(unknownCommand(word), undefined);
  // What cannot be read as a command line is told in the same way as what comes of it.
  tellsJson = tellingJson.has(word) && rest.includes('--json');
  try {
    const parsed = parseCommandLine(command, rest, { env: process.env, readBeginning, now: Date.now });
    if (parsed.kind === 'help') return print(renderCommandHelp(command, helpStyle()));
    running = command;
    tellsJson = tellingJson.has(command.name) && parsed.first.flags.json === true;
    const module = await handlers[command.name]();
    return await module.run(invocation(command, parsed));
  } catch (error) {
    return fail(error, command);
  }
}

/** What is about all commands may stand before them, as docker's own such flags do. */
function commandFirst(words: readonly string[]): readonly string[] {
  const [flag = '', ...rest] = words;
  const length = flag === '--root-dir' ? 2 : flag.startsWith('--root-dir=') ? 1 : 0;
  const command = words[length];
  return length === 0 || command === undefined ? words : [command, flag, ...rest.slice(0, length - 1), ...rest.slice(length)];
}

function help(name: string | undefined): number {
  if (name === undefined) return print(renderOverview(helpStyle()));
  const command = findCommand(name);
  return command === undefined ? fail(unknownCommand(name), undefined) : print(renderCommandHelp(command, helpStyle()));
}

function invocation(command: Command, { first, second }: Parsed): Invocation {
  return {
    ...first,
    ...(second === undefined ? {} : { second }),
    command: command.name,
    // Opening a stream takes time, and that of standard input changes its mode: a command that does not need one must not do that.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return opened(process.stdout);
    },
    get stderr() {
      return opened(process.stderr);
    },
    atTerminal: isatty(1) && isatty(2),
    env: process.env,
  };
}

function helpStyle(): HelpStyle {
  const stdout = opened(process.stdout);
  return { width: helpWidth(stdout.isTTY ? stdout.columns : undefined), paint: painter(stdout, process.env) };
}

function print(text: string): number {
  opened(process.stdout).write(text);
  return 0;
}

function fail(error: unknown, command: Command | undefined): number {
  try {
    const stderr = opened(process.stderr);
    tell(stderr, tellsJson ? failureJson(error) : describeFailure(error, painter(stderr, process.env)));
  } catch {
    // Where nothing can be said, the code alone tells.
  }
  return exitCodeOf(error, command);
}

function unknownCommand(word: string): TsrunError {
  const meant = nearestCommand(word);
  const message = `unknown command ${quote(word)}${meant === undefined ? '' : `, did you mean ${quote(meant)}?`}`;
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { hint: 'tsrun --help lists the commands' });
}

/**
 * Pipes are written asynchronously: an exit before they are drained would cut what was printed. What was written at once tells of
 * its error a turn later. Nothing is written to find out: where there is no room (/dev/full) that fails as well.
 */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  if (stream.writableLength === 0) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}

/** What is written to. Node makes such a stream when it is first asked for, which many a run has no need of. */
const used = new Set<NodeJS.WriteStream>();

/**
 * The reader of a pipe may leave early (`tsrun ps | head -1`), and a terminal may hang up (EIO): end as SIGPIPE would have
 * ended us. A command that carries a program's output lives on for the program's sake and decides for itself.
 */
function opened(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (used.has(stream)) return stream;
  used.add(stream);
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isForgiven(error)) return;
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    if (running?.failureCode !== 125) process.exit(128 + constants.signals.SIGPIPE);
  });
}

// Whatever escapes a handler still ends with tsrun's own code, never with one that could be the program's.
process.on('uncaughtException', (error) => {
  process.exit(fail(error, running));
});

/** Not at the top level: a bundle that Node loads in half the time (scripts/bundle-cli.mjs) has no `await` there. */
async function mainProgram(): Promise<void> {
  const code = await main(process.argv.slice(2));
  await Promise.all(Array.from(used, drained));
  process.exit(code);
}

void mainProgram();
