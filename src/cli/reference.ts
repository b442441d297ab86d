/** docs/cli.md, made from the tables; a test holds the committed file to it. */
import type { Command } from './command.js';
import { commands } from './commands.js';
import { groupsOf, isRepeatable, spellings } from './flags.js';
import { runLike, type CommandName, type Flag } from './flags/flag.js';
import { sentence } from './help.js';

export function renderMarkdown(): string {
  return [
    '# The command line',
    '',
    '<!-- Generated from the tables in src/cli by scripts/write-cli-reference.mjs. Change the tables, not this file. -->',
    '',
    'Flags have docker\'s spellings and meanings. A value follows its flag after a space or `=`, short flags may be joined (`-it`),',
    'and a switch is turned off with `=false`. A flag that is repeated replaces its earlier value unless it is marked *repeatable*.',
    'Sizes are bytes, or a number with one of the binary units `k`, `m`, `g`, `t`. What a command prints for programs goes to standard',
    'output, what it says to people to standard error.',
    '',
    '| command | what it does |',
    '|---|---|',
    ...commands.map(({ name, summary }) => `| [\`tsrun ${name}\`](#tsrun-${name}) | ${cell(summary)} |`),
    '',
    exitCodes(),
    ...commands.map(commandSection),
  ].join('\n');
}

function exitCodes(): string {
  const own = commands.filter(({ failureCode }) => failureCode === 125).map(({ name }) => `\`${name}\``);
  return [
    '## Exit codes',
    '',
    `| code | of ${own.join(', ')} | of the other commands |`,
    '|---|---|---|',
    '| 0 … 124 | the program\'s own | 0: done; 1: failed |',
    '| 125 | tsrun itself failed | wrong flags or arguments |',
    '| 126 | the program cannot be executed, or its working directory does not exist | |',
    '| 127 | the program, or a shared library that it needs, was not found | |',
    '| 128 + n | the program was ended by signal n | |',
    '',
  ].join('\n');
}

function commandSection(command: Command): string {
  const lines = [`## tsrun ${command.name}`, '', '```', command.usage, '```', '', sentence(command.summary), ''];
  if (command.description !== undefined) lines.push(command.description, '');
  if (command.name === 'explain') lines.push('Beside its own flags it takes [every flag of `tsrun run`](#tsrun-run).', '');
  for (const [group, flags] of shownGroups(command.name)) {
    lines.push(`### ${group} flags of ${command.name}`, '', '| flag | value | what it does | default | example |', '|---|---|---|---|---|');
    lines.push(...flags.map(flagRow), '');
  }
  if (command.examples.length > 0) {
    lines.push('```sh', ...command.examples.flatMap(({ line, what }) => [`# ${what}`, line]), '```', '');
  }
  return lines.join('\n');
}

/** The fifty flags of run are listed once. */
function shownGroups(command: CommandName): ReturnType<typeof groupsOf> {
  if (command !== 'explain') return groupsOf(command);
  return groupsOf(command)
    .map(([group, flags]) => [group, flags.filter((flag) => !runLike.every((name) => flag.commands.includes(name)))] as const)
    .filter(([, flags]) => flags.length > 0);
}

function flagRow(flag: Flag): string {
  const names = spellings(flag).map((spelling) => `\`${spelling}\``).join(', ');
  const value = flag.placeholder === '' ? '' : `\`${cell(flag.placeholder)}\``;
  const help = isRepeatable(flag) ? `${flag.help} (*repeatable*)` : flag.help;
  const example = flag.kind === 'boolean' ? '' : `\`${cell(flag.example)}\``;
  return `| ${names} | ${value} | ${cell(help)} | ${cell(flag.default ?? '')} | ${example} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
