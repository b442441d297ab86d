/** `tsrun-oci`: reads the words, does the command, tells the caller and the log what went wrong. */
import './platform/globals.js';
import type { Command, Context } from './command.js';
import { deleteContainer } from './commands/delete.js';
import { kill } from './commands/kill.js';
import { list } from './commands/list.js';
import { pause, resume } from './commands/pause.js';
import { ps } from './commands/ps.js';
import { start } from './commands/start.js';
import { state } from './commands/state.js';
import { logDebug, logError, print } from './log.js';
import { addCommands, commandNamed } from './modules.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import { globalFlags, settingsOf, type Settings } from './settings.js';
import { versionText } from './version.js';
import { helpFlag, readWords, type Words } from './words.js';

addCommands({ delete: deleteContainer, kill, list, pause, ps, resume, start, state });

const unknownCommandStatus = 3;

function main(): number {
  try {
    const words = readWords(globalFlags, host.words.slice(1), true);
    return run(settingsOf(words), words);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    logError(error.message);
    return RuntimeError.is(error) ? error.status : 1;
  }
}

function run(settings: Settings, words: Words): number {
  const context = { settings };
  if (words.flags.has('version')) {
    print(1, versionText());
    return 0;
  }
  const [name = 'help', ...rest] = words.flags.has('help') ? ['help'] : words.rest;
  const command = commandNamed(name);
  if (command === undefined) throw new RuntimeError(`No help topic for '${name}'`, unknownCommandStatus);
  const given = wordsFor(context, name, command, rest);
  if (given.flags.has('help')) return help(context, name);
  logDebug(`${name}: ${JSON.stringify(rest)}`);
  const began = Date.now();
  const status = command.run(context, given);
  logDebug(`${name}: exits with ${status} after ${Date.now() - began} ms`);
  return status;
}

/** Who is at a shell and errs is shown, as by runc, how the command is used. */
function wordsFor(context: Context, name: string, command: Command, rest: readonly string[]): Words {
  if (command.anyWords === true) return { texts: new Map(), flags: new Set(), rest };
  try {
    const words = readWords({ ...command.flags, ...helpFlag }, rest, command.flagsFirst === true);
    if (!words.flags.has('help')) checkCount(name, command, words.rest.length);
    return words;
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    print(1, `Incorrect Usage: ${error.message}\n\n`);
    help(context, name);
    throw error;
  }
}

function help(context: Context, name: string): number {
  return commandNamed('help')?.run(context, { texts: new Map(), flags: new Set(), rest: [name] }) ?? 1;
}

function checkCount(name: string, { argumentCount }: Command, count: number): void {
  const { least, most } = typeof argumentCount === 'number' ? { least: argumentCount, most: argumentCount } : argumentCount;
  const says = (words: string, number: number) => new RuntimeError(`tsrun-oci: "${name}" requires ${words} ${number} argument(s)`);
  if (least === most && count !== least) throw says('exactly', least);
  if (count < least) throw says('a minimum of', least);
  if (count > most) throw says('a maximum of', most);
}

Object.assign(globalThis, { main });
