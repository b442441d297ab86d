/** The one table of flags: the parser, help, completion, the reference and the tests all read it. */
import { commandFlags } from './flags/commands.js';
import { dynoEndFlags } from './flags/dyno-ends.js';
import { formationFlags } from './flags/formation.js';
import { fileFlags } from './flags/files.js';
import { flagGroups, type CommandName, type Flag, type FlagGroup } from './flags/flag.js';
import { generalFlags } from './flags/general.js';
import { imageFlags } from './flags/images.js';
import { isolationFlags } from './flags/isolation.js';
import { limitFlags } from './flags/limits.js';
import { networkFlags } from './flags/network.js';
import { processFlags } from './flags/process.js';
import { restartFlags } from './flags/restart.js';

export const flags: readonly Flag[] = [
  ...generalFlags,
  ...formationFlags,
  ...dynoEndFlags,
  ...restartFlags,
  ...imageFlags,
  ...processFlags,
  ...fileFlags,
  ...limitFlags,
  ...isolationFlags,
  ...networkFlags,
  ...commandFlags,
];

/** In the order of the table. */
export function flagsOf(command: CommandName): readonly Flag[] {
  return flags.filter((flag) => flag.commands.includes(command));
}

/** The groups of a command that have any flags, in the order that help shows them. */
export function groupsOf(command: CommandName): readonly (readonly [FlagGroup, readonly Flag[]])[] {
  const own = flagsOf(command);
  return flagGroups
    .map((group) => [group, own.filter((flag) => flag.group === group)] as const)
    .filter(([, members]) => members.length > 0);
}

/** Every way to write a flag, with its dashes, the short one first. */
export function spellings(flag: Flag): readonly string[] {
  return [...(flag.short === undefined ? [] : [`-${flag.short}`]), ...[flag.name, ...(flag.aliases ?? [])].map((name) => `--${name}`)];
}

export function isRepeatable(flag: Flag): boolean {
  return flag.kind === 'list' || flag.kind === 'pairs';
}
