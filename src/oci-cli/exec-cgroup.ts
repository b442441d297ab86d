/** The cgroup that a further process is born in. */
import { joinCgroup } from '../host/probe-cgroup.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';

/**
 * @param given of `--cgroup`: `path`, of a cgroup below the container's; runc's `controller:path` is for v1
 * @param delegated the name of the one below the container's in which its processes live
 * @returns its absolute path; undefined for a container that has none
 */
export function execCgroup({ cgroup }: Pick<ContainerRecord, 'cgroup'>, given: readonly string[], delegated?: string): string | undefined {
  if (cgroup === '') {
    if (given.length > 0) throw new RuntimeError('--cgroup: the container has no cgroup');
    return undefined;
  }
  if (given.length === 0 && delegated !== undefined) return joinCgroup(cgroup, `/${delegated}`);
  const [path = '/', ...others] = given;
  if (others.length > 0 || path.includes(':')) throw new RuntimeError(`invalid --cgroup argument: ${given.join(', ')} (cgroup v2 has one path, and no controllers before it)`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new RuntimeError(`bad sub cgroup path: ${path}`);
  return joinCgroup(cgroup, `/${parts.join('/')}`);
}
