/** The standard streams of a process that an engine starts: this command's own, or a terminal. */
import type { PlanInput } from '../plan/input.js';
import { existsSync } from './platform/fs.js';
import { RuntimeError } from './runtime-error.js';
import { countOf, type Words } from './words.js';

/** The first behind the standard streams. */
const firstPreserved = 3;

export function streamsOf(terminal: boolean): Pick<PlanInput, 'stdin' | 'stdout' | 'stderr'> {
  // With a terminal, its master comes back.
  return terminal ? { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' } : { stdin: 'passed', stdout: 'passed', stderr: 'passed' };
}

/** Of `--preserve-fds`. To be asked before this command opens anything that it keeps, which the program would get in the place of one that is not there. */
export function preservedCountOf(words: Words): number {
  const count = countOf(words, 'preserve-fds');
  for (let index = 0; index < count; index++) {
    if (!existsSync(`/proc/self/fd/${firstPreserved + index}`)) throw new RuntimeError(`unable to stat preserved-fd ${index + 1} (of ${count}): it is not open`);
  }
  return count;
}

/** What goes along, in the order of the plan: the streams, then what the program inherits. */
export function passedDescriptors(terminal: boolean, preservedCount: number): number[] {
  return [...(terminal ? [] : [0, 1, 2]), ...Array.from({ length: preservedCount }, (_each, index) => index + firstPreserved)];
}
