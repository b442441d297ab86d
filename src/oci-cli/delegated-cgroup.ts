/**
 * A cgroup below the container's, in which its processes live and which is theirs (crun's `run.oci.delegate-cgroup`): they divide among
 * themselves what the container has, and its limits stay above, in a cgroup that is not theirs to write to.
 */
import { systemReader } from '../host/reader.js';
import type { IdMaps, Spec } from '../spec/types.js';
import { delegatedCgroup } from './annotations.js';
import { giveCgroup } from './cgroup-owner.js';
import { mkdirSync, writeFileSync } from './platform/fs.js';
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
  const path = `${cgroup}/${name}`;
  mkdirSync(path, 0o755);
  writeFileSync(`${path}/cgroup.procs`, String(pid));
  // Not before: no controller is for what lies below a cgroup with processes of its own (cgroups(7), "no internal processes").
  const controllers = (systemReader.read(`${cgroup}/cgroup.controllers`) ?? '').split(/\s+/).filter((each) => each !== '');
  if (controllers.length > 0) writeFileSync(`${cgroup}/cgroup.subtree_control`, controllers.map((each) => `+${each}`).join(' '));
  giveCgroup(path, spec, joined);
}
