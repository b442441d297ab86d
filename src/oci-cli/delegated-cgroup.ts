/**
 * A cgroup below the container's, in which its processes live and which is theirs (crun's `run.oci.delegate-cgroup`): they divide among
 * themselves what the container has, and its limits stay above, in a cgroup that is not theirs to write to.
 */
import type { IdMaps, Spec } from '../spec/types.js';
import { delegatedCgroup } from './annotations.js';
import { giveCgroup } from './cgroup-owner.js';
import { moveBelow } from './inner-cgroup.js';
import { RuntimeError } from './runtime-error.js';

/**
 * Moves the first process there. It was born in the container's cgroup: the root of a cgroup namespace stays that one.
 *
 * @param joined the maps of a user namespace that is joined
 */
export function delegateCgroup(cgroup: string, spec: Spec, pid: number, joined: IdMaps | undefined): void {
  const name = delegatedCgroup(spec);
  if (name === undefined) return;
  if (cgroup === '') throw new RuntimeError('annotation run.oci.delegate-cgroup: the container has no cgroup');
  giveCgroup(moveBelow(cgroup, name, pid), spec, joined);
}
