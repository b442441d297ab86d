/** Which cgroup a container gets, and the way there. */
import { preparePath } from '../cgroup/layout.js';
import type { HostFacts } from '../host/facts.js';
import { joinCgroup, ownCgroup } from '../host/probe-cgroup.js';
import { systemReader } from '../host/reader.js';
import { normalPath } from '../spec/inner-path.js';
import type { Spec } from '../spec/types.js';
import { readdirSync } from './platform/fs.js';

/** As cgroup v2 spells it, from the root of the tree; undefined where the host has none that can be written to. */
export function cgroupPathOf(spec: Spec, id: string, { cgroup }: HostFacts): string | undefined {
  if (cgroup.root === '' || !cgroup.writable) return undefined;
  const { cgroupsPath = '' } = spec.linux ?? {};
  if (cgroupsPath === '') return `${cgroup.base}/${id}`;
  if (cgroupsPath.startsWith('/')) return normalPath(cgroupsPath);
  // Relative to where the caller is, as runc has it.
  const own = ownCgroup(systemReader.read('/proc/self/cgroup') ?? '') ?? '/';
  return normalPath(`${own}/${normalPath(`/${cgroupsPath}`)}`);
}

/** Makes all that is missing above the cgroup, and hands all controllers down to it. Gives the facts as they are for a cgroup there. */
export function prepareParent(path: string, host: HostFacts): HostFacts {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  const wanted = controllersFor(parent, host);
  const lost = new Set(preparePath(host.cgroup.root, parent, wanted).map(({ controller }) => controller));
  const controllers = wanted.filter((controller) => !lost.has(controller));
  // The root of the tree has other files than a cgroup below it.
  const files = parent === '/' ? {} : { files: readdirSync(joinCgroup(host.cgroup.root, parent)) };
  return { ...host, cgroup: { ...host.cgroup, controllers, ...files } };
}

/** The facts as they are for what is done in this cgroup, which is there. */
export function factsWithin(path: string, host: HostFacts): HostFacts {
  const controllers = (systemReader.read(`${path}/cgroup.controllers`) ?? '').trim().split(' ');
  return { ...host, cgroup: { ...host.cgroup, controllers, files: readdirSync(path) } };
}

/** Root hands down all that there are; to anybody else they come down as far as somebody has seen to it, which need not be where the caller is. */
function controllersFor(path: string, { cgroup, uid }: Pick<HostFacts, 'cgroup' | 'uid'>): readonly string[] {
  if (uid === 0) return cgroup.controllers;
  const text = systemReader.read(joinCgroup(cgroup.root, path, 'cgroup.controllers'));
  if (text !== undefined) return text.split(/\s+/).filter((word) => word !== '');
  return path === '/' ? [] : controllersFor(path.slice(0, path.lastIndexOf('/')) || '/', { cgroup, uid });
}
