/**
 * The two scripts that the program holds. What every command needs is small, and what compiles plans is not: it takes 3 ms to load,
 * more than all that `start`, `state`, `kill` and `delete` do.
 */
import type { Command } from './command.js';
import { host } from './platform/host.js';

declare global {
  // `var` is how a property of the global object is declared.
  var planCommands: Readonly<Record<string, Command>> | undefined;
}

/** A command of the larger script; undefined when there is none of this name. */
export function planCommand(name: string): Command | undefined {
  host.loadScript('plan');
  return Object.entries(globalThis.planCommands ?? {}).find(([each]) => each === name)?.[1];
}
