/** Whose a container's cgroup is (config-linux.md, "Cgroup ownership"): who owns it may make others below it, as systemd in a container does. */
import { systemReader } from '../host/reader.js';
import { mappedId } from '../spec/ids.js';
import { makesNamespace } from '../spec/namespaces.js';
import type { IdMaps, Mount, Spec } from '../spec/types.js';
import { asNode, existsSync } from './platform/fs.js';
import { host } from './platform/host.js';

/** cgroups(7), "Cgroups delegation", where the kernel names none (before Linux 4.15). */
const delegated = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/** @param joined the maps of a user namespace that is joined */
export function handCgroupOver(cgroup: string, spec: Spec, joined: IdMaps | undefined): void {
  if (cgroup !== '' && isWritable(spec)) giveCgroup(cgroup, spec, joined);
}

/** To the program's user, by the host's id. */
export function giveCgroup(cgroup: string, spec: Spec, joined: IdMaps | undefined): void {
  const uid = spec.process?.user.uid ?? 0;
  const maps = joined ?? spec.linux;
  const owner = maps?.uidMappings === undefined ? uid : mappedId(maps.uidMappings, uid);
  if (owner === undefined || owner === 0 || host.ids().uid !== 0) return;
  const files = (systemReader.read('/sys/kernel/cgroup/delegate')?.trim().split('\n') ?? delegated).map((name) => `${cgroup}/${name}`);
  for (const path of [cgroup, ...files.filter((file) => existsSync(file))]) {
    asNode(path, () => {
      host.setOwner(path, owner);
    });
  }
}

function isWritable({ linux, mounts = [] }: Spec): boolean {
  return makesNamespace(linux, 'cgroup') && mounts.some((mount) => isCgroupTree(mount));
}

function isCgroupTree({ type = '', destination, options = [] }: Mount): boolean {
  return ['cgroup', 'cgroup2'].includes(type) && destination === '/sys/fs/cgroup' && !options.includes('ro') && !options.includes('rro');
}
