import type { Command } from '../command.js';
import { print } from '../log.js';
import { RuntimeError } from '../runtime-error.js';
import { allCommands, commandNamed } from '../modules.js';
import { globalFlags } from '../settings.js';
import { helpFlag, type FlagTable } from '../words.js';

const unknownStatus = 3;

export const help: Command = {
  says: 'show the commands, or help for one',
  usage: '[command]',
  flags: {},
  argumentCount: { least: 0, most: 1 },
  run: (_context, { rest: [name] }) => {
    print(1, name === undefined || name === 'help' ? helpForAll() : helpFor(name));
    return 0;
  },
};

function helpFor(name: string): string {
  const command = commandNamed(name);
  if (command === undefined) throw new RuntimeError(`No help topic for '${name}'`, unknownStatus);
  const usage = `USAGE:\n   tsrun-oci ${name} [command options] ${command.usage}`.trimEnd();
  return `NAME:\n   tsrun-oci ${name} - ${command.says}\n\n${usage}\n\nOPTIONS:\n${flagLines({ ...command.flags, ...helpFlag })}`;
}

function helpForAll(): string {
  const commands = columns(allCommands().map(([name, { says }]) => [name, says]));
  return 'NAME:\n   tsrun-oci - Open Container Initiative runtime\n\nUSAGE:\n   tsrun-oci [global options] command [command options] [arguments...]\n\n'
    + `COMMANDS:\n${commands}\nGLOBAL OPTIONS:\n${flagLines(globalFlags)}`;
}

function flagLines(table: FlagTable): string {
  return columns(Object.entries(table).map(([name, { kind, short, says }]) => {
    const value = kind === 'flag' || kind === 'refused' ? '' : ' value';
    return [[`--${name}${value}`, ...(short === undefined ? [] : [`-${short}${value}`])].join(', '), kind === 'refused' ? `(not supported) ${says}` : says];
  }));
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, says]) => `   ${name.padEnd(width)}${says}\n`).join('');
}
