/** Which cgroup trees this host has and where in them the caller may work. Never reads the mount table: it can hold thousands of lines. */
import { basename, dirname } from 'node:path';
import type { CgroupFacts } from './facts.js';
import { CGROUP2_MAGIC } from './fs-types.js';
import type { HostReader } from './reader.js';

const MOUNT = '/sys/fs/cgroup';
const HYBRID_MOUNT = `${MOUNT}/unified`;
/** Name of the cgroup that holds all of tsrun's. */
const BASE_NAME = 'tsrun';
/**
 * Name of the cgroup beside it that a process moves itself to when it is alone in a delegated cgroup, which holds
 * processes or hands controllers down, never both (cgroups(7)).
 */
export const supervisorName = 'tsrun-supervisor';

/** v1 names that v2 spells differently; `cpuacct` became a part of `cpu` and `freezer`, `devices` a part of the core. */
const v2Names: Readonly<Record<string, string>> = { blkio: 'io' };

export function probeCgroup(reader: HostReader, uid: number): CgroupFacts {
  const v1Controllers = probeV1(reader);
  const { mode, root } = probeMode(reader, v1Controllers);
  const none: CgroupFacts = { mode, root, base: '', controllers: [], v1Controllers, writable: false };
  if (root === '') return none;
  const parent = workingParent(reader, root, uid);
  if (parent === undefined) return none;
  const controllers = words(reader.read(joinCgroup(root, parent, 'cgroup.controllers')));
  return {
    ...none,
    base: `${parent === '/' ? '' : parent}/${BASE_NAME}`,
    controllers,
    writable: true,
    ...(isCrowded(reader, joinCgroup(root, parent), controllers) && { crowded: true }),
  };
}

/** The mount path of the v1 hierarchy that holds this v2 controller; undefined when no v1 hierarchy does. */
export function mountedOnV1(cgroup: CgroupFacts, controller: string): string | undefined {
  return Object.hasOwn(cgroup.v1Controllers, controller) ? cgroup.v1Controllers[controller] : undefined;
}

/** Absolute path of a cgroup (`/` or `/a/b`, as `/proc/<pid>/cgroup` spells it) or of a file in it. */
export function joinCgroup(root: string, path: string, file?: string): string {
  const folder = path === '/' ? root : root + path;
  return file === undefined ? folder : `${folder}/${file}`;
}

function probeMode(reader: HostReader, v1: Readonly<Record<string, string>>): Pick<CgroupFacts, 'mode' | 'root'> {
  if (reader.fsType(MOUNT) === CGROUP2_MAGIC) return { mode: 'v2', root: MOUNT };
  if (reader.fsType(HYBRID_MOUNT) === CGROUP2_MAGIC) return { mode: 'hybrid', root: HYBRID_MOUNT };
  return { mode: Object.keys(v1).length > 0 ? 'v1' : 'none', root: '' };
}

/** /proc/cgroups gives a hierarchy number to each controller; 0 means that v2 has it, or nobody. */
function probeV1(reader: HostReader): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of (reader.read('/proc/cgroups') ?? '').split('\n')) {
    const [name, hierarchy] = line.split(/\s+/);
    if (name === undefined || hierarchy === undefined || name.startsWith('#') || hierarchy === '0') continue;
    const path = `${MOUNT}/${name}`;
    found[v2Names[name] ?? name] = reader.exists(path) ? path : '';
  }
  return found;
}

/**
 * Root works under the tree's root. Anybody else (and a root of a user namespace that does not own the tree) works under
 * the cgroup that it lives in, if that was delegated: cgroups(7) names the files that must then be writable.
 */
function workingParent(reader: HostReader, root: string, uid: number): string | undefined {
  if (uid === 0 && reader.writable(root) && reader.writable(`${root}/cgroup.procs`)) return '/';
  const inhabited = ownCgroup(reader.read('/proc/self/cgroup') ?? '');
  if (inhabited === undefined) return undefined;
  // A process of this user was here before, alone, and has made room for controllers.
  const own = basename(inhabited) === supervisorName ? dirname(inhabited) : inhabited;
  const folder = joinCgroup(root, own);
  const delegated = ['', '/cgroup.procs', '/cgroup.subtree_control'].every((file) => reader.writable(folder + file));
  return delegated ? own : undefined;
}

/** The host's root cgroup is exempt from the rule; it alone has no cgroup.events (a cgroup namespace's `/` has one). */
function isCrowded(reader: HostReader, parent: string, controllers: readonly string[]): boolean {
  if (!reader.exists(`${parent}/cgroup.events`)) return false;
  const handedDown = words(reader.read(`${parent}/cgroup.subtree_control`));
  if (controllers.every((controller) => handedDown.includes(controller))) return false;
  return words(reader.read(`${parent}/cgroup.procs`)).some((pid) => pid !== String(process.pid));
}

/** The v2 line of /proc/self/cgroup; a path that starts with `/..` lies outside the caller's cgroup namespace. */
export function ownCgroup(text: string): string | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith('0::/'));
  const path = line?.slice('0::'.length);
  return path === undefined || path === '/..' || path.startsWith('/../') || path.endsWith(' (deleted)') ? undefined : path;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
