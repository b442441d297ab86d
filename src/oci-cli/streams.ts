/** The standard streams of a process that an engine starts: this command's own, or a terminal. */
import type { PlanInput } from '../plan/input.js';

export function streamsOf(terminal: boolean): Pick<PlanInput, 'stdin' | 'stdout' | 'stderr'> {
  // With a terminal, its master comes back.
  return terminal ? { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' } : { stdin: 'passed', stdout: 'passed', stderr: 'passed' };
}

/** What goes along, in the order of the plan: the streams, then what the program inherits. */
export function passedDescriptors(terminal: boolean, preservedCount: number): number[] {
  return [...(terminal ? [] : [0, 1, 2]), ...Array.from({ length: preservedCount }, (_each, index) => index + 3)];
}
