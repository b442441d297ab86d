/**
 * The commands by their names, and the modules that hold them. What every command needs is small, and what compiles plans is not: it takes
 * 2 ms to load, more than all that `start`, `state`, `kill` and `delete` do. What is in no container's life is a third.
 */
import type { Command } from './command.js';
import { host } from './platform/host.js';

const known = new Map<string, Command>();
const others = ['plan-main.js', 'extra-main.js'] as const;

/** Each module calls this once. */
export function addCommands(commands: Readonly<Record<string, Command>>): void {
  for (const [name, command] of Object.entries(commands)) known.set(name, command);
}

/** Undefined when none of the modules has it. */
export function commandNamed(name: string): Command | undefined {
  const found = known.get(name);
  if (found !== undefined) return found;
  for (const module of others) {
    host.loadModule(module);
    const command = known.get(name);
    if (command !== undefined) return command;
  }
  return undefined;
}

/** By name. Loads all that there is. */
export function allCommands(): readonly (readonly [string, Command])[] {
  for (const module of others) host.loadModule(module);
  return [...known].sort(([first], [second]) => (first < second ? -1 : 1));
}
