/** In which of runtime.md's states a container is; looked up each time, never remembered. */
import { isEmpty, isFrozen } from './cgroups.js';
import { errnoName } from '../spec/errno.js';
import { asNode, constants } from './platform/fs.js';
import { host } from './platform/host.js';
import { isExiting, lives } from './processes.js';
import type { ContainerRecord, StateFolder } from './state.js';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export function statusOf(folder: StateFolder, { init, cgroup }: ContainerRecord): Status {
  if (init === undefined) return 'creating';
  // A first process that was killed is there until all of its pid namespace is reaped, by whomever (pid_namespaces(7)): what `exec` left
  // there belongs to this host's init, which may take its time.
  if (!lives(init) || (cgroup === '' ? isExiting(init) : isEmpty(cgroup))) return 'stopped';
  // Also one that is not started yet, as runc has it: it would not hear of a start.
  if (isFrozen(cgroup)) return 'paused';
  return isAwaited(folder.fifo) ? 'created' : 'running';
}

/** The first process holds it open until it is the program: one that is there still may be of a `start` that was killed (ENXIO, fifo(7)). */
function isAwaited(fifo: string): boolean {
  try {
    host.close(asNode(fifo, () => host.open(fifo, constants.O_WRONLY | constants.O_NONBLOCK, 0)));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENXIO'].includes(errnoName(error) ?? '')) return false;
    throw error;
  }
}
