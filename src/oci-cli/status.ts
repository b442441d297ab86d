/** In which of runtime.md's states a container is; looked up each time, never remembered. */
import { isEmpty, isFrozen } from './cgroups.js';
import { existsSync } from './platform/fs.js';
import { lives } from './processes.js';
import type { ContainerRecord, StateFolder } from './state.js';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export function statusOf(folder: StateFolder, { init, cgroup }: ContainerRecord): Status {
  if (init === undefined) return 'creating';
  // A first process that was killed is there until all of its pid namespace is reaped, by whomever (pid_namespaces(7)).
  if (!lives(init) || isEmpty(cgroup)) return 'stopped';
  if (existsSync(folder.fifo)) return 'created';
  return isFrozen(cgroup) ? 'paused' : 'running';
}
