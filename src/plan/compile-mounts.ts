/**
 * Mounts. Host sources are opened by the launcher as detached mounts and only attached inside; what shows the namespaces
 * of its maker (proc, sysfs, mqueue, cgroup2) must be made inside, or it shows the host without any error.
 */
import { TsrunError } from '../spec/errors.js';
import { normalPath } from '../spec/inner-path.js';
import type { Mount, NamespaceType } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { compileDev } from './compile-dev.js';
import { makeIdMap } from './compile-root.js';
import { privatePropagation, readMountOptions, refuseData } from './mount-options.js';

export interface MountPlan {
  /** In the container: attaches everything in the spec's order. */
  attach(): void;
  /** In the container, after the last mount: masks and read-only paths. */
  protect(): void;
  /** In the container, after pivot_root(2), which puts the old root on no mount that is shared: here that is the new one. */
  propagate(): void;
}

type Attach = () => void;

export function compileMounts(compilation: Compilation): MountPlan {
  const { input, builder } = compilation;
  const mounts = input.spec.mounts ?? [];
  const attachments: Attach[] = [];
  // A /dev of the image would be the attacker's (CVE-2026-41579): there always is an own one.
  if (!mounts.some(isDev)) attachments.push(compileDev(compilation, { destination: '/dev' }, 'default'));
  for (const [index, mount] of mounts.entries()) attachments.push(compileMount(compilation, mount, `/mounts/${index}`));
  return {
    attach: () => {
      for (const attach of attachments) attach();
    },
    protect: () => {
      const { maskedPaths = [], readonlyPaths = [] } = input.spec.linux ?? {};
      for (const [index, target] of maskedPaths.entries()) builder.add(`/linux/maskedPaths/${index}`, { op: 'maskPath', target });
      for (const [index, target] of readonlyPaths.entries()) builder.add(`/linux/readonlyPaths/${index}`, { op: 'readonlyPath', target });
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

/** The launcher takes paths without `.`, double and trailing slashes. */
function target({ destination }: Mount): string {
  return normalPath(destination);
}

function isDev(mount: Mount): boolean {
  return target(mount) === '/dev';
}

/** What a file system shows is decided by a namespace; who may make it, by that namespace's owner. */
const shownNamespace: ReadonlyMap<string, NamespaceType> = new Map([['proc', 'pid'], ['sysfs', 'network'], ['mqueue', 'ipc'], ['cgroup', 'cgroup'], ['cgroup2', 'cgroup']]);

function compileMount(compilation: Compilation, mount: Mount, field: string): Attach {
  const { bind } = readMountOptions(mount.options);
  if (bind || mount.type === 'bind') return compileBind(compilation, mount, field);
  if (isDev(mount) && mount.type === 'tmpfs') return compileDev(compilation, mount, field);
  const substitute = substituteBind(compilation, mount);
  return substitute === undefined ? compileNew(compilation, mount, field) : compileBind(compilation, substitute, field);
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

function compileBind(compilation: Compilation, mount: Mount, field: string): Attach {
  const { builder } = compilation;
  const options = readMountOptions(mount.options);
  refuseData(options.data, `${field}/options`);
  const slot = builder.slot();
  builder.add(`${field}/source`, { op: 'openTree', path: mount.source ?? '', recursive: options.bindRecursive, into: slot });
  const propagation = options.propagation ?? privatePropagation;
  const { recursive, own } = options;
  builder.add(`${field}/options`, { op: 'setMount', mount: slot, recursive: true, ...recursive, propagation, idMap: null });
  const idMap = options.idMap === 'no' ? null : idMapOf(compilation, mount, `${field}/options`);
  if (own.set !== 0n || own.clear !== 0n || idMap !== null) {
    builder.add(`${field}/options`, { op: 'setMount', mount: slot, recursive: options.idMap === 'recursive', ...own, propagation: 0, idMap });
  }
  return () => {
    builder.add(`${field}/destination`, { op: 'attachMount', mount: slot, target: target(mount), follow: true });
  };
}

function idMapOf(compilation: Compilation, { uidMappings, gidMappings }: Mount, field: string): number {
  if (uidMappings !== undefined || gidMappings !== undefined) {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'id maps of single mounts are not supported yet', { field, hint: 'leave the maps out: the container\'s are used' });
  }
  if (!compilation.namespaces.isShared('user')) return makeIdMap(compilation);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'idmap needs a user namespace of the container', { field, hint: 'drop --userns host' });
}

/** Kernel file systems whose targets may not be reached over links of the image (CVE-2019-16884). */
const strictTypes: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue']);

function compileNew({ builder }: Compilation, mount: Mount, field: string): Attach {
  const type = mount.type ?? '';
  const { own, recursive, data, propagation, propagationRecursive } = readMountOptions(mount.options);
  if (data.includes('tmpcopyup')) {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'tmpcopyup is not supported yet', { field: `${field}/options`, hint: 'remove the option' });
  }
  if (type === '' || type === 'none') {
    throw new TsrunError('ERR_TSRUN_INVALID_SPEC', 'a mount needs a type, or the option bind', { field: `${field}/type` });
  }
  return () => {
    builder.add(field, {
      op: 'makeMount',
      type: type === 'cgroup' ? 'cgroup2' : type,
      source: mount.source ?? type,
      options: data,
      attributes: own.set | recursive.set,
      target: target(mount),
      follow: !strictTypes.has(type),
    });
    if (propagation === undefined) return;
    builder.add(`${field}/options`, { op: 'setPropagation', target: target(mount), propagation, recursive: propagationRecursive });
  };
}
