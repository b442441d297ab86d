/** What the cgroup that all containers' lie in must say, for who makes it: Node (`layout.ts`), or the launcher where somebody has removed it. */

/**
 * How deep a container that may write its cgroups can nest them. Without a bound it could build a path that is longer
 * than any system call takes, and that then cannot be removed by name.
 */
const MAX_DEPTH = 64;

export const depthFile = { file: 'cgroup.max.depth', value: String(MAX_DEPTH) } as const;

/** In the form of cgroup.subtree_control: `+cpu +memory`. */
export function handDownWords(controllers: readonly string[]): string {
  return controllers.map((controller) => `+${controller}`).join(' ');
}

/** In the order in which they are written. */
export function baseFiles(controllers: readonly string[]): readonly { readonly file: string; readonly value: string }[] {
  if (controllers.length === 0) return [depthFile];
  return [depthFile, { file: 'cgroup.subtree_control', value: handDownWords(controllers) }];
}
