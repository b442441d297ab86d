/** A cgroup below another, for the one process that is in that. */
import { systemReader } from '../host/reader.js';
import { mkdirSync, writeFileSync } from './platform/fs.js';

/** Makes it, moves the process there, and hands all controllers down. Gives its path. */
export function moveBelow(cgroup: string, name: string, pid: number): string {
  const path = `${cgroup}/${name}`;
  mkdirSync(path, 0o755);
  writeFileSync(`${path}/cgroup.procs`, String(pid));
  // Not before: no controller is for what lies below a cgroup with processes of its own (cgroups(7), "no internal processes").
  const controllers = (systemReader.read(`${cgroup}/cgroup.controllers`) ?? '').split(/\s+/).filter((each) => each !== '');
  if (controllers.length > 0) writeFileSync(`${cgroup}/cgroup.subtree_control`, controllers.map((each) => `+${each}`).join(' '));
  return path;
}
