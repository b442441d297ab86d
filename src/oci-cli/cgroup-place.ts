/** Where a container's cgroup is and who makes it: the launcher, in the tree, or systemd (`systemd/`). */
import type { HostFacts } from '../host/facts.js';
import { joinCgroup } from '../host/probe-cgroup.js';
import type { Spec } from '../spec/types.js';
import { cgroupPathOf, prepareParent } from './cgroup-path.js';
import { RuntimeError } from './runtime-error.js';

/** Somebody else's container is there: nothing of it may be undone. */
export class CgroupTaken extends RuntimeError {}

export interface CgroupPlace {
  /** Absolute path; empty where none can be made. */
  readonly cgroup: string;
  /** systemd's, which holds it. */
  readonly unit?: string;
  /**
   * Has `launch` be done while a container can be born there.
   *
   * @param launch is given the container, with what it is limited to until it is there, and the facts as they are for that cgroup
   */
  during<T>(launch: (spec: Spec, facts: HostFacts) => T): T;
}

/** None is wanted: what would limit the container there is an error. */
export function noPlace(spec: Spec, facts: HostFacts): CgroupPlace {
  return { cgroup: '', during: (launch) => launch(spec, facts) };
}

/** The cgroup itself is made by the plan. */
export function placeInTree(spec: Spec, id: string, facts: HostFacts): CgroupPlace {
  const path = cgroupPathOf(spec, id, facts);
  return {
    cgroup: path === undefined ? '' : joinCgroup(facts.cgroup.root, path),
    during: (launch) => launch(spec, path === undefined ? facts : prepareParent(path, facts)),
  };
}
