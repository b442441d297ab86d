/** Files of an image before it is mounted: through the root of a folder, or through the layers of an image of the store. */
import type { Addon } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import { readInLayers, type IsOpaque } from '../image/layered-files.js';
import type { ReadInImage } from '../image/users.js';

export interface ImageRoot {
  /** As `visibleRoot` gives it; empty: nothing of it can be seen from here. */
  readonly rootPath: string;
  /** Topmost first. */
  readonly lowerLayers?: readonly string[] | undefined;
}

export function imageReader(addon: Addon, host: Pick<HostFacts, 'uid'>, { rootPath, lowerLayers = [] }: ImageRoot): ReadInImage {
  if (rootPath === '') return () => null;
  if (lowerLayers.length === 0) return (innerPath, limitBytes) => addon.readInRoot(rootPath, innerPath, limitBytes);
  const layers = [rootPath, ...lowerLayers];
  const isOpaque = opaqueFolders(addon, host);
  return (innerPath, limitBytes) => readInLayers(layers, innerPath, limitBytes, isOpaque);
}

/** An ordinary user's layers have the attribute that overlayfs reads with `userxattr` (overlayfs.rst). */
export function opaqueFolders(addon: Addon, { uid }: Pick<HostFacts, 'uid'>): IsOpaque {
  const name = `${uid === 0 ? 'trusted' : 'user'}.overlay.opaque`;
  return (folder) => addon.readXattr(folder, name)?.toString() === 'y';
}
