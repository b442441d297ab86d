/** Where a program that makes a container's network finds it, and where it belongs. */

export interface UserPlace {
  /** Of the program, below the container's. */
  readonly cgroup: string;
  readonly pidFile: string;
  /** The container's network namespace, and then its user namespace where there is one: descriptors 3 and 4 of the program. */
  readonly given: readonly number[];
  readonly hasUsers: boolean;
  /** The caller is. */
  readonly isRoot: boolean;
}
