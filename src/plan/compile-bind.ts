/** Binds: opened by the launcher as a detached tree, which is changed before it shows anywhere. */
import { kernelAtLeast } from '../host/probe.js';
import { TsrunError } from '../spec/errors.js';
import { mountTarget } from '../spec/inner-path.js';
import type { Mount } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { makeIdMap } from './compile-root.js';
import { renew } from './renew-mount.js';
import { privatePropagation, propagations, readMountOptions, refuseData, type MountOptions } from './mount-options.js';

const shared = propagations.get('shared') ?? 0;
const slave = propagations.get('slave') ?? 0;
const unbindable = propagations.get('unbindable') ?? 0;

/** What a word without an `r` says is for the mount alone: below it is private, and keeps the attributes that it has on the host. */
export function compileBind(compilation: Compilation, mount: Mount, field: string): () => void {
  const { builder } = compilation;
  const words = new Set(mount.options);
  const options = readMountOptions(mount.options);
  refuseData(options.data, `${field}/options`);
  const link = compilation.input.sourceLinks?.get(mount.source ?? '');
  if (link !== undefined && words.has('copy-symlink')) return () => { builder.add(field, { op: 'placeLink', target: mountTarget(mount), text: link }); };
  const slot = builder.slot();
  builder.add(`${field}/source`, { op: 'openTree', path: mount.source ?? '', recursive: options.bindRecursive, follow: !words.has('src-nofollow'), into: slot });
  const idMap = idMapOf(compilation, mount, options.idMap, field);
  const isOwnMap = options.idMap !== 'recursive';
  // Nobody clones one that is unbindable; a link that it lies on is no way to it.
  const isLate = compilation.input.ociRuntime !== undefined && options.propagation === unbindable && !words.has('dest-nofollow');
  const propagation = isLate ? privatePropagation : (options.propagation ?? privatePropagation);
  const forAll = options.propagationRecursive || !options.bindRecursive || propagation === privatePropagation;
  builder.add(`${field}/options`, {
    op: 'setMount', mount: slot, recursive: true, ...options.recursive, propagation: forAll ? propagation : privatePropagation, idMap: isOwnMap ? null : idMap,
  });
  if (!forAll && (propagation === shared || propagation === slave)) joinPeers(compilation, mount, slot, field);
  const own = { ...options.own, propagation: forAll ? 0 : propagation, idMap: isOwnMap ? idMap : null };
  if (own.set !== 0n || own.clear !== 0n || own.propagation !== 0 || own.idMap !== null) {
    builder.add(`${field}/options`, { op: 'setMount', mount: slot, recursive: false, ...own });
  }
  return () => {
    if (propagation !== unbindable) renew(compilation, slot, `${field}/destination`);
    builder.add(`${field}/destination`, { op: 'attachMount', mount: slot, target: mountTarget(mount), follow: true, onLink: words.has('dest-nofollow') });
    if (isLate) builder.add(`${field}/options`, { op: 'setPropagation', target: mountTarget(mount), propagation: unbindable, recursive: options.propagationRecursive });
  };
}

/**
 * What was made private is nobody's peer again, and mounts below have no name here by which they alone could be made private. So the
 * mount is opened once more without them, and the one at the top of the tree becomes that one's peer, and the host's where that is shared.
 */
function joinPeers({ builder, input: { host } }: Compilation, { source = '' }: Mount, slot: number, field: string): void {
  if (!kernelAtLeast(host.kernel, 5, 15)) {
    throw new TsrunError('ERR_TSRUN_HOST', `Linux ${host.kernel.release} cannot share a mount without those below it (5.15 can)`, {
      field: `${field}/options`,
      hint: 'put an r before the word, and it is for all of them, or bind only the mount itself, without rbind',
    });
  }
  const peer = builder.slot();
  builder.add(`${field}/source`, { op: 'openTree', path: source, recursive: false, follow: true, into: peer });
  builder.add(`${field}/options`, { op: 'setMount', mount: peer, recursive: false, set: 0n, clear: 0n, propagation: shared, idMap: null });
  builder.add(`${field}/options`, { op: 'joinPeers', mount: slot, peer });
}

/** Maps of the mount are its own, and mean an id-mapped mount without the word too (runc 1.2); the word alone means the container's. */
function idMapOf(compilation: Compilation, { uidMappings = [], gidMappings = [] }: Mount, word: MountOptions['idMap'], field: string): number | null {
  if (uidMappings.length > 0) return makeIdMap(compilation, { uidMappings, gidMappings }, `${field}/uidMappings`);
  if (word === 'no') return null;
  if (!compilation.namespaces.isShared('user')) return makeIdMap(compilation);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'idmap needs a user namespace of the container', { field: `${field}/options`, hint: 'drop --userns host' });
}
