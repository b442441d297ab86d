/**
 * The commands of a module that is loaded only for them. What every command needs is small, and what compiles plans is not: it takes
 * 2 ms to load, more than all that `start`, `state`, `kill` and `delete` do.
 */
import type { Command } from './command.js';
import { host } from './platform/host.js';

declare global {
  // `var` is how a property of the global object is declared.
  var planCommands: Readonly<Record<string, Command>> | undefined;
}

/** A command of the larger module; undefined when there is none of this name. */
export function planCommand(name: string): Command | undefined {
  host.loadModule('plan-main.js');
  return Object.entries(globalThis.planCommands ?? {}).find(([each]) => each === name)?.[1];
}
