/** The standard streams of a process that an engine starts: this command's own, or a terminal. */
import type { PlanInput } from '../plan/input.js';
import type { Spec } from '../spec/types.js';
import { withVariables } from './given-process.js';
import { existsSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import { countOf, type Words } from './words.js';

/** The first behind the standard streams. */
const firstInherited = 3;

export function streamsOf(terminal: boolean): Pick<PlanInput, 'stdin' | 'stdout' | 'stderr'> {
  // With a terminal, its master comes back.
  return terminal ? { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' } : { stdin: 'passed', stdout: 'passed', stderr: 'passed' };
}

/** Of `--preserve-fds`. To be asked before this command opens anything that it keeps, which the program would get in the place of one that is not there. */
export function preservedCountOf(words: Words): number {
  return inheritedCountOf(words, 0);
}

/** With those that the program is to listen at, which come first. Such a one that is not open is not there for the program either, as with crun. */
export function inheritedCountOf(words: Words, listening: number): number {
  const count = countOf(words, 'preserve-fds');
  const closed = Array.from({ length: listening + count }, (_each, index) => index).find((index) => !isOpen(index));
  if (closed === undefined) return listening + count;
  if (count === 0) return closed;
  throw new RuntimeError(`unable to stat preserved-fd ${closed - listening + 1} (of ${count}): it is not open`);
}

function isOpen(index: number): boolean {
  return existsSync(`/proc/self/fd/${firstInherited + index}`);
}

/**
 * How many sockets systemd, or who does as it does, gives this command for the program (sd_listen_fds(3)). They are not ours where LISTEN_PID
 * is somebody else; where it is not there they are, as with crun.
 */
export function listeningCountOf(): number {
  const { LISTEN_FDS = '', LISTEN_PID } = host.environment();
  const areOurs = LISTEN_PID === undefined || LISTEN_PID === String(host.ids().pid);
  return areOurs && /^[1-9]\d{0,3}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0;
}

/** A container whose program finds them as its own. */
export function withListening(spec: Spec, count: number): Spec {
  return count === 0 ? spec : withVariables(spec, `LISTEN_FDS=${count}`, 'LISTEN_PID=1');
}

/** What goes along, in the order of the plan: the streams, then what the program inherits. */
export function passedDescriptors(terminal: boolean, inheritedCount: number): number[] {
  return [...(terminal ? [] : [0, 1, 2]), ...Array.from({ length: inheritedCount }, (_each, index) => index + firstInherited)];
}
