/**
 * Mounts. Host sources are opened by the launcher as detached mounts and only attached inside; what shows the namespaces
 * of its maker (proc, sysfs, mqueue, cgroup2) must be made inside, or it shows the host without any error.
 */
import { isBind } from '../spec/bind.js';
import { TsrunError } from '../spec/errors.js';
import { mountTarget } from '../spec/inner-path.js';
import type { Mount, NamespaceType } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { compileBind } from './compile-bind.js';
import { requireSelinux } from './compile-labels.js';
import { compileDev, compileNodesElsewhere } from './compile-dev.js';
import { compileHostMount, namesHostPaths } from './compile-host-mount.js';
import { knownIdMapsOf } from './compile-root.js';
import { checkMountData } from './mount-data.js';
import { mountAttributes, privatePropagation, readMountOptions, type MountOptions } from './mount-options.js';

export interface MountPlan {
  /** In the container: attaches everything in the spec's order. */
  attach(): void;
  /** In the container, after the last mount: masks and read-only paths. */
  protect(): void;
  /** In the container, when nothing more is put into a mount: read-only is what needed its contents first. */
  finish(): void;
  /** In the container, after pivot_root(2), which puts the old root on no mount that is shared: here that is the new one. */
  propagate(): void;
}

type Attach = () => void;

export function compileMounts(compilation: Compilation): MountPlan {
  const { input, builder } = compilation;
  const mounts = input.spec.mounts ?? [];
  const attachments: Attach[] = [];
  // A /dev of the image would be the attacker's (CVE-2026-41579): there always is an own one for the image's programs.
  if (!mounts.some(isDev) && input.program === undefined) attachments.push(compileDev(compilation, { destination: '/dev' }, 'default'));
  for (const [index, mount] of mounts.entries()) attachments.push(compileMount(compilation, mount, `/mounts/${index}`));
  attachments.push(compileNodesElsewhere(compilation));
  return {
    attach: () => {
      for (const attach of attachments) attach();
    },
    protect: () => {
      const { maskedPaths = [], readonlyPaths = [] } = input.spec.linux ?? {};
      for (const [index, target] of maskedPaths.entries()) builder.add(`/linux/maskedPaths/${index}`, { op: 'maskPath', target });
      for (const [index, target] of readonlyPaths.entries()) builder.add(`/linux/readonlyPaths/${index}`, { op: 'readonlyPath', target });
    },
    finish: () => {
      const index = mounts.findLastIndex(isDev);
      const dev = mounts[index];
      if (dev === undefined || !isOwnDev(dev) || !isReadonly(dev)) return;
      builder.add(`/mounts/${index}/options`, { op: 'remount', target: '/dev', set: mountAttributes.readonly, clear: 0n });
    },
    propagate: () => {
      const { rootfsPropagation } = input.spec.linux ?? {};
      if (rootfsPropagation === undefined) return;
      const { propagation, propagationRecursive } = readMountOptions([rootfsPropagation]);
      if (propagation === undefined || propagation === privatePropagation) return;
      builder.add('/linux/rootfsPropagation', { op: 'setPropagation', target: '/', propagation, recursive: propagationRecursive });
    },
  };
}

function isDev(mount: Mount): boolean {
  return mountTarget(mount) === '/dev';
}

function isOwnDev(mount: Mount): boolean {
  return isDev(mount) && mount.type === 'tmpfs' && !isBind(mount);
}

function isReadonly({ options }: Mount): boolean {
  const { own, recursive } = readMountOptions(options);
  return ((own.set | recursive.set) & mountAttributes.readonly) !== 0n;
}

/** What a file system shows is decided by a namespace; who may make it, by that namespace's owner. */
const shownNamespace: ReadonlyMap<string, NamespaceType> = new Map([['proc', 'pid'], ['sysfs', 'network'], ['mqueue', 'ipc'], ['cgroup', 'cgroup'], ['cgroup2', 'cgroup']]);

function compileMount(compilation: Compilation, mount: Mount, field: string): Attach {
  refuseCopy(mount, field);
  if (mount.options?.includes('remount') === true) return compileRemount(compilation, mount, field);
  if (isBind(mount)) return compileBind(compilation, mount, field);
  const options = readMountOptions(mount.options);
  refuseUndone(mount, options, field);
  const substitute = substituteBind(compilation, mount);
  if (substitute !== undefined) return compileBind(compilation, substitute, field);
  // A /dev gets the owner that it must have, whoever is named.
  checkMountData({ type: mount.type ?? '', options: mount.options, maps: isOwnDev(mount) ? undefined : knownIdMapsOf(compilation), at: `${field}/options` });
  const attach = isOwnDev(mount) ? compileDev(compilation, mount, field) : compileNew(compilation, mount, options, field);
  const { propagation, propagationRecursive: recursive } = options;
  return () => {
    attach();
    if (propagation !== undefined) compilation.builder.add(`${field}/options`, { op: 'setPropagation', target: mountTarget(mount), propagation, recursive });
  };
}

/** A /dev holds what a container needs, and nothing of the image's. */
function refuseCopy(mount: Mount, field: string): void {
  const { options = [], type = '' } = mount;
  if (!options.includes('tmpcopyup') || (type === 'tmpfs' && !isBind(mount) && !isDev(mount) && !options.includes('remount'))) return;
  throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'tmpcopyup is for a new tmpfs that is not /dev', { field: `${field}/options`, hint: 'remove the option' });
}

/** What stands there already gets other attributes. */
function compileRemount({ builder }: Compilation, mount: Mount, field: string): Attach {
  const { own, recursive, data } = readMountOptions(mount.options);
  const [unknown] = data;
  if (unknown !== undefined) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `'${unknown}' of a mount that is there is not changed`, { field: `${field}/options`, hint: 'name options of the mount alone, such as ro and nosuid' });
  return () => {
    builder.add(`${field}/options`, { op: 'remount', target: mountTarget(mount), set: own.set | recursive.set, clear: own.clear | recursive.clear });
  };
}

/** A file system that is made would silently be without. */
function refuseUndone({ uidMappings = [], gidMappings = [] }: Mount, { idMap }: MountOptions, field: string): void {
  const refuse = (part: string, what: string, hint: string): never => {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${what} is not supported yet`, { field: `${field}/${part}`, hint });
  };
  if (uidMappings.length > 0 || gidMappings.length > 0) refuse('uidMappings', 'an id map of a mount that is no bind', 'remove the maps: the file system is made in the container');
  if (idMap !== 'no') refuse('options', 'an id map of a mount that is no bind', 'remove the option: the file system is made in the container');
}

/** A new user namespace has no right over a namespace that it does not own: the host's own view is bound instead. */
function substituteBind({ namespaces, input: { host } }: Compilation, mount: Mount): Mount | undefined {
  const type = shownNamespace.get(mount.type ?? '');
  if (type === undefined || namespaces.isShared('user') || namespaces.isNew(type)) return undefined;
  // Two that are joined are taken to belong together; the host's view would be of all its processes.
  if (namespaces.isJoined('user') && namespaces.isJoined(type)) return undefined;
  const sources: Readonly<Partial<Record<NamespaceType, string>>> = { pid: '/proc', network: '/sys', ipc: '/dev/mqueue', cgroup: host.cgroup.root };
  const { own } = readMountOptions(mount.options);
  const options = (mount.options ?? []).filter((option) => readMountOptions([option]).data.length === 0);
  const readonly = (own.set & 1n) === 1n ? ['rro'] : [];
  // The host mounts its cgroup tree and more below /sys, which is no business of the container's; an ordinary user may not part them
  // (mount_namespaces(7), "locked"). What is mounted over files of /proc hides them for a reason.
  const whole = type === 'network' && host.uid === 0 ? 'bind' : 'rbind';
  return { destination: mount.destination, type: 'bind', source: sources[type] ?? '', options: [whole, ...options, ...readonly] };
}

/** Kernel file systems whose targets may not be reached over links of the image (CVE-2019-16884). */
const strictTypes: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue']);

/** File systems that show no labels of a disk (runc's formatMountLabel): all get the container's. */
const labelled: ReadonlySet<string> = new Set(['tmpfs', 'mqueue', 'devpts']);

export function labelOf({ input: { spec, host } }: Compilation, type: string): string[] {
  const label = spec.linux?.mountLabel ?? '';
  if (label === '') return [];
  requireSelinux(host, label, '/linux/mountLabel');
  return labelled.has(type) ? [`context="${label}"`] : [];
}

function compileNew(compilation: Compilation, mount: Mount, options: MountOptions, field: string): Attach {
  const { builder } = compilation;
  const { own, recursive, data } = options;
  const type = mount.type ?? '';
  const words = new Set(mount.options);
  const label = labelOf(compilation, type);
  if (type === '' || type === 'none') {
    throw new TsrunError('ERR_TSRUN_INVALID_SPEC', 'a mount needs a type, or the option bind', { field: `${field}/type` });
  }
  if (namesHostPaths(mount)) return compileHostMount(compilation, mount, options, field);
  return () => {
    builder.add(field, {
      op: 'makeMount',
      type: type === 'cgroup' ? 'cgroup2' : type,
      source: mount.source ?? type,
      options: [...data, ...label],
      attributes: own.set | recursive.set,
      target: mountTarget(mount),
      follow: !strictTypes.has(type),
      copyUp: words.has('tmpcopyup'),
      likeBelow: words.has('tmpcopyup') && !data.some((word) => word.startsWith('mode=')),
    });
  };
}
