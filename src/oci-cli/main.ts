/** `tsrun-oci`: reads the words, does the command, tells the caller and the log what went wrong. */
import './platform/globals.js';
import type { Command } from './command.js';
import { deleteContainer } from './commands/delete.js';
import { kill } from './commands/kill.js';
import { list } from './commands/list.js';
import { pause, resume } from './commands/pause.js';
import { ps } from './commands/ps.js';
import { start } from './commands/start.js';
import { state } from './commands/state.js';
import { logError, logTo, print } from './log.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import { planCommand } from './plan-commands.js';
import { globalFlags, settingsOf } from './settings.js';
import { readWords } from './words.js';

const commands: ReadonlyMap<string, Command> = new Map([
  ['delete', deleteContainer],
  ['kill', kill],
  ['list', list],
  ['pause', pause],
  ['ps', ps],
  ['resume', resume],
  ['start', start],
  ['state', state],
]);

function main(): number {
  try {
    const words = readWords(globalFlags, host.words.slice(1));
    const settings = settingsOf(words);
    logTo(settings);
    if (words.flags.has('version')) {
      print(1, 'tsrun-oci version 0.1.0\nspec: 1.3.0\n');
      return 0;
    }
    const [name = 'help', ...rest] = words.rest;
    const command = commands.get(name) ?? planCommand(name);
    if (command === undefined) throw new RuntimeError(`no such command: ${name}`);
    const given = readWords(command.flags, rest);
    checkCount(name, command, given.rest.length);
    return command.run({ settings }, given);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    logError(error.message);
    return RuntimeError.is(error) ? error.status : 1;
  }
}

function checkCount(name: string, { argumentCount }: Command, count: number): void {
  const { least, most } = typeof argumentCount === 'number' ? { least: argumentCount, most: argumentCount } : argumentCount;
  if (count < least || count > most) throw new RuntimeError(`${name}: "${name}" requires ${least === most ? `exactly ${least}` : `${least} to ${most}`} argument(s)`);
}

Object.assign(globalThis, { main });
