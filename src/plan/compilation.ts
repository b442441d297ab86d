/** What the parts of a compilation share. */
import type { NamespaceType } from '../spec/types.js';
import type { ProgramSlots } from './compile-program.js';
import type { PlanInput } from './input.js';
import type { Namespaces } from './namespaces.js';
import type { PlanBuilder } from './plan.js';

export interface KeptSlots {
  readonly inherited: readonly number[];
  readonly fifos?: { readonly start: number; readonly report: number } | undefined;
  readonly entry?: EntrySlots | undefined;
  readonly hookOutputs?: HookOutputSlots | undefined;
}

/** Where hooks print, if not where the process does. */
export interface HookOutputSlots {
  readonly stdout?: number;
  readonly stderr?: number;
}

/** Of a process that enters the container's pid namespace at the last moment. */
export interface EntrySlots {
  readonly births: number;
  readonly report: number;
  readonly proc: number;
}

export interface Compilation {
  readonly input: PlanInput;
  readonly builder: PlanBuilder;
  readonly namespaces: Namespaces;
  /** Slots of the namespaces that are joined. */
  readonly joined: Map<NamespaceType, number>;
  /** Where it is none of the root's. */
  readonly program?: ProgramSlots | undefined;
  /** What is left open for the program, and for the last steps before it. */
  readonly kept?: KeptSlots | undefined;
}
