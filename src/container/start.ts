/** What is known of a process until its program runs. */
import type { HandedOver, Plan } from '../plan/plan.js';
import type { EventFailed } from '../plan/wire.generated.js';
import type { StartWatch } from './start-timings.js';

/** What is of use until the program runs, and much of what a container takes of this process's memory. */
export interface Start {
  readonly plan: Plan;
  /** Makes a readable error of a step that failed. */
  readonly explain: (event: EventFailed) => Error;
  /** The program is executed when `start()` says so. */
  readonly awaitsStart: boolean;
  /** Does what the first process, whose pid this is, waits for. */
  readonly attach?: ((pid: number) => Promise<void>) | undefined;
  /** Where the start is measured. */
  readonly watch?: StartWatch | undefined;
}

/** Descriptors by what they are. */
export type Descriptors = ReadonlyMap<HandedOver, number>;

export function nameDescriptors(plan: Plan, descriptors: readonly number[]): Descriptors {
  return new Map(plan.handedOver.flatMap((name, index) => (descriptors[index] === undefined ? [] : [[name, descriptors[index]] as const])));
}
