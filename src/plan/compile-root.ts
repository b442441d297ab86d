/** The root file system: the folder itself, or a disposable overlay over it, seen through the container's id map. */
import type { HostFacts } from '../host/facts.js';
import { kernelAtLeast, replacesFolders } from '../host/probe.js';
import { TsrunError } from '../spec/errors.js';
import type { RootMode } from '../spec/extensions.js';
import { mappedId } from '../spec/ids.js';
import type { IdMapping, IdMaps } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { groupLayers, layersOf, type LayerGroup, type Layers } from './layers.js';
import { mountAttributes, privatePropagation } from './mount-options.js';

export interface RootPlan {
  readonly slot: number;
  /** Mounts that were only needed to put the root together. */
  readonly parts: readonly number[];
  /** Makes the working directory while that can still be done. */
  beforeReadonly(cwd: string): void;
  /** What can be done only when everything is in place: a read-only root needs its mount targets first. */
  finish(): void;
}

const defaultUpperBytes = 64 * 1024 * 1024;

/** From here on it pays to keep overlayfs from looking for what is covered, and to let go of the layers when the end was told. */
const manyLayers = 8;

/** OVL_MAX_STACK of overlayfs. */
export const mostLayers = 500;

/** overflowuid of the kernel: whoever is not mapped. */
const nobody = 65_534;

/** The host id of an id of the container; the id itself without a user namespace of its own. */
export function hostId(mappings: readonly IdMapping[] | undefined, id: number): number {
  return mappings === undefined ? id : (mappedId(mappings, id) ?? nobody);
}

/** Undefined when the container shares the caller's user namespace, or joins one whose maps nobody tells. */
export function knownIdMapsOf({ input, namespaces }: Compilation): IdMaps | undefined {
  const { uidMappings = [], gidMappings = [] } = input.spec.linux ?? {};
  return namespaces.isNew('user') ? { uidMappings, gidMappings } : input.joinedIdMaps;
}

/** Undefined when the container shares the caller's user namespace. */
export function idMapsOf(compilation: Compilation): IdMaps | undefined {
  const { namespaces } = compilation;
  const maps = knownIdMapsOf(compilation);
  if (maps !== undefined || !namespaces.isJoined('user')) return maps;
  throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'the id maps of the user namespace to join are not known: no process is in it that could be asked for them', {
    field: namespaces.field('user'),
    hint: 'name the namespace of a process that lives, as /proc/PID/ns/user',
  });
}

/** As /proc/PID/uid_map takes it (user_namespaces(7)). */
export function idMapText(mappings: readonly IdMapping[] = []): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join('\n');
}

/** @param holdsDevices device rules hold for nodes that the container makes as well */
export function compileRoot(compilation: Compilation, holdsDevices: boolean): RootPlan {
  const { input, builder } = compilation;
  const mode: RootMode = input.extensions.root ?? { kind: 'writable' };
  const { lowerLayers = [] } = input.extensions;
  const readonly = mode.kind === 'read-only' || input.spec.root?.readonly === true;
  const overlay = mode.kind !== 'writable';
  if (overlay && !input.host.supports.overlay) {
    throw new TsrunError('ERR_TSRUN_HOST', 'this kernel has no overlayfs, which a disposable root needs', {
      field: 'extensions.root',
      hint: 'load the module (modprobe overlay), or let the container write to the folder itself with --writable',
    });
  }
  if (!overlay && lowerLayers.length > 0) throw neverWritten();
  if (lowerLayers.length >= mostLayers) throw tooManyLayers(lowerLayers.length + 1);
  const groups = overlay ? groupLayers([input.rootPath, ...lowerLayers]) : [{ path: input.rootPath, recursive: true, layers: [] }];
  const trees = openTrees(compilation, groups, overlay, overlay || !mayUseNodes(compilation, holdsDevices));
  return {
    ...(overlay ? layOverlay(compilation, layersOf(groups, trees), mode) : { slot: trees[0] ?? -1, parts: [] }),
    beforeReadonly: (cwd) => {
      if (readonly) builder.add('/process/cwd', { op: 'makeDirectory', path: cwd });
    },
    finish: () => {
      if (!readonly) return;
      // Not in a folder that is somebody's. After all mounts: the way to none of them leads through one of the image's links into a mount.
      if (overlay) for (const target of input.extensions.writablePaths ?? []) builder.add('extensions.writablePaths', { op: 'keepWritable', target });
      builder.add('/root/readonly', { op: 'remount', target: '/', set: mountAttributes.readonly, clear: 0 });
    },
  };
}

function neverWritten(): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a root of several layers cannot be written to: they belong to an image, which never changes', {
    field: 'extensions.root',
    hint: 'leave --writable out: a disposable root takes writes as well',
  });
}

function tooManyLayers(count: number): TsrunError {
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', `${count} layers are more than the ${mostLayers} that overlayfs takes`, {
    field: 'extensions.lowerLayers',
    hint: 'build the image with fewer layers, or flatten it',
  });
}

/** As under runc: whoever has CAP_MKNOD makes nodes in the root, and opens those that the rules allow. */
function mayUseNodes({ input, namespaces }: Compilation, holdsDevices: boolean): boolean {
  return input.ociRuntime !== undefined && holdsDevices && namespaces.isShared('user');
}

function openTrees(compilation: Compilation, groups: readonly LayerGroup[], overlay: boolean, nodev: boolean): number[] {
  const { builder } = compilation;
  const opened = groups.map(({ path, recursive }, index) => {
    const tree = builder.slot();
    const field = index === 0 ? '/root/path' : 'extensions.lowerLayers';
    builder.add(field, { op: 'openTree', path, recursive, follow: true, into: tree });
    return { tree, recursive, field: index === 0 ? '/root' : field };
  });
  const idMap = needsIdMap(compilation, overlay) ? makeIdMap(compilation) : null;
  // Device nodes in an image would be the host's: none of them may be opened.
  const set = nodev ? mountAttributes.nodev : 0n;
  for (const { tree, recursive, field } of opened) builder.add(field, { op: 'setMount', mount: tree, recursive, set, clear: 0, propagation: privatePropagation, idMap });
  return opened.map(({ tree }) => tree);
}

function needsIdMap({ namespaces, input: { host, rootOwned = false } }: Compilation, overlay: boolean): boolean {
  if (namespaces.isShared('user') || rootOwned) return false;
  // An ordinary user's launcher is in the user namespace already through which the files are to be seen, and may not
  // id-map (mount_setattr(2)).
  if (host.uid !== 0) return false;
  // A folder by itself can be id-mapped from 5.12 on (mount_setattr(2)).
  if (!overlay || kernelAtLeast(host.kernel, 5, 19)) return true;
  throw new TsrunError('ERR_TSRUN_HOST', `Linux ${host.kernel.release} cannot id-map the layers of an overlay (5.19 can)`, {
    field: '/linux/uidMappings',
    hint: 'share the host\'s user namespace with --userns host, let the container write to the folder itself with --writable, or use a newer kernel',
  });
}

/** @param maps those of the container's user namespace, if no others are given */
export function makeIdMap(compilation: Compilation, maps = idMapsOf(compilation), field = '/linux/uidMappings'): number {
  const { builder } = compilation;
  const into = builder.slot();
  builder.add(field, { op: 'makeIdMap', uidMap: idMapText(maps?.uidMappings), gidMap: idMapText(maps?.gidMappings), into });
  return into;
}

/**
 * Below each layer a name is looked for, until one hides the others: with sixty that takes 30 µs a name. What is mounted over anyway
 * need not be found in any: an opaque folder in the upper layer (overlayfs.rst) ends the search.
 */
function coveredFolders({ input: { spec, host } }: Compilation): string[] {
  if (!replacesFolders(host)) return [];
  const types: Readonly<Record<string, string>> = { '/proc': 'proc', '/sys': 'sysfs', '/dev': 'tmpfs' };
  return (spec.mounts ?? []).flatMap(({ destination, type }) => (types[destination] === type && type !== undefined ? [destination.slice(1)] : []));
}

/** An ordinary user may set no `trusted` attributes (xattr(7)). */
function opaqueMark({ uid }: HostFacts): string {
  return uid === 0 ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
}

/** Upper and work are not id-mapped: overlayfs writes there as itself, and would silently turn read-only. */
function layOverlay(compilation: Compilation, { slots, folders, trees }: Layers, mode: RootMode): Pick<RootPlan, 'slot' | 'parts'> {
  const { input, builder } = compilation;
  const maps = idMapsOf(compilation);
  const [uid, gid] = [hostId(maps?.uidMappings, 0), hostId(maps?.gidMappings, 0)];
  const sizeBytes = mode.kind === 'disposable' ? mode.sizeBytes : defaultUpperBytes;
  const disk = mode.kind === 'disposable' ? mode.disk : undefined;
  const scratch = builder.slot();
  const left = input.program?.upper;
  const isOnDisk = disk !== undefined || left !== undefined;
  if (left !== undefined) {
    builder.add('program', { op: 'openTree', path: left, recursive: false, follow: true, into: scratch });
    builder.add('program', { op: 'setMount', mount: scratch, recursive: false, set: mountAttributes.nodev, clear: 0, propagation: privatePropagation, idMap: null });
  } else if (disk === undefined) {
    builder.add('extensions.root', { op: 'makeTmpfs', options: [`size=${sizeBytes}`, 'mode=0700'], attributes: mountAttributes.nodev, into: scratch });
    builder.add('extensions.root', { op: 'makeFolder', mount: scratch, name: 'upper', mode: 0o755, uid, gid, mark: '' });
    builder.add('extensions.root', { op: 'makeFolder', mount: scratch, name: 'work', mode: 0o755, uid, gid, mark: '' });
    if (mode.kind === 'disposable') builder.add('extensions.root', { op: 'keepUpper', scratch });
  } else {
    builder.add('extensions.root', { op: 'makeUpper', path: disk.folder, uid, gid, project: disk.project, limitBytes: sizeBytes, into: scratch });
  }
  for (const name of folders.length >= manyLayers && left === undefined ? coveredFolders(compilation) : []) builder.add('/mounts', { op: 'makeFolder', mount: scratch, name: `upper/${name}`, mode: 0o755, uid, gid, mark: opaqueMark(input.host) });
  const slot = builder.slot();
  const byDescriptor = input.host.supports.overlayLayerFds;
  builder.add('extensions.root', { op: 'makeOverlay', layers: slots, folders, scratch, byDescriptor, dropResource: isOnDisk, userXattr: input.host.uid !== 0, attributes: mountAttributes.nodev, into: slot });
  // An upper on disk is removed, or used again, when the end is told.
  if (folders.length >= manyLayers && !isOnDisk) builder.add('extensions.lowerLayers', { op: 'keepMount', mount: slot });
  // Otherwise the launcher had to attach them, and has let go of them again.
  return { slot, parts: byDescriptor ? [...trees, scratch] : [] };
}
