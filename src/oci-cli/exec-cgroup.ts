/** The cgroup that a further process is born in. */
import { joinCgroup, ownCgroup } from '../host/probe-cgroup.js';
import { systemReader } from '../host/reader.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';

interface Surroundings {
  /** Of the tree. */
  readonly root: string;
  /** The name of the one below the container's in which its processes live. */
  readonly delegated?: string | undefined;
}

/**
 * @param given of `--cgroup`: `path`, of a cgroup below the container's; runc's `controller:path` is for v1
 * @returns its absolute path; undefined for a container that has none
 */
export function execCgroup({ cgroup, init }: Pick<ContainerRecord, 'cgroup' | 'init'>, given: readonly string[], { root, delegated }: Surroundings = { root: '' }): string | undefined {
  if (cgroup === '') {
    if (given.length > 0) throw new RuntimeError('--cgroup: the container has no cgroup');
    return undefined;
  }
  if (given.length === 0 && delegated !== undefined) return joinCgroup(cgroup, `/${delegated}`);
  if (given.length === 0) return inhabited(cgroup, init?.pid ?? 0, root);
  const [path = '/', ...others] = given;
  if (others.length > 0 || path.includes(':')) throw new RuntimeError(`invalid --cgroup argument: ${given.join(', ')} (cgroup v2 has one path, and no controllers before it)`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new RuntimeError(`bad sub cgroup path: ${path}`);
  return joinCgroup(cgroup, `/${parts.join('/')}`);
}

/**
 * A cgroup that hands controllers down holds no process (cgroups(7), "no internal processes"): systemd in a container goes one below it, and so does who
 * comes in, as with runc and crun.
 */
function inhabited(cgroup: string, pid: number, root: string): string {
  if ((systemReader.read(`${cgroup}/cgroup.subtree_control`) ?? '').trim() === '') return cgroup;
  const own = joinCgroup(root, ownCgroup(systemReader.read(`/proc/${pid}/cgroup`) ?? '') ?? '/');
  return own.startsWith(`${cgroup}/`) ? own : cgroup;
}
