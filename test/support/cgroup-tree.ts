/** Cgroups that a test has made, with what others have made below them. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupRoot } from './needs.js';
import { until } from './until.js';

/** One of a file of tests, which everybody may look into. */
export function makeCgroup(name: string): string {
  const path = join(cgroupRoot() ?? '', `tsrun-test-${name}-${process.pid}`);
  mkdirSync(path);
  chmodSync(path, 0o755);
  return path;
}

/** Kills all that is in it (cgroups(7), cgroup.kill), and removes it. */
export async function endCgroup(path: string): Promise<void> {
  writeFileSync(join(path, 'cgroup.kill'), '1');
  await until(() => readFileSync(join(path, 'cgroup.events'), 'utf8').includes('populated 0'), `an empty cgroup ${path}`);
  removeTree(path);
}

/** Removes a cgroup with those below it; nothing lives in any of them. */
export function removeTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}
