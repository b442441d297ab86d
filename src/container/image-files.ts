/** Files of an image before it is mounted: through the root of a folder, or through the layers of an image of the store. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Addon } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import { linkInLayers, readInLayers, type IsOpaque } from '../image/layered-files.js';
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

/** Files and links of a container's root, and of other folders that are shown in it. */
export interface ShownFiles {
  readInRoot(root: string, path: string, limitBytes: number): Buffer | null;
  /** Where the link at a path leads, when nothing before its last name is a link. */
  readLink(root: string, path: string): string | undefined;
}

/** @param image only its own root has layers; every other is read as it is */
export function shownFiles(addon: Addon, host: Pick<HostFacts, 'uid'>, image: ImageRoot): ShownFiles {
  const { rootPath, lowerLayers = [] } = image;
  const isLayered = (root: string) => root === rootPath && lowerLayers.length > 0;
  const read = imageReader(addon, host, image);
  return {
    readInRoot: (root, path, limitBytes) => (isLayered(root) ? read(path, limitBytes) : addon.readInRoot(root, path, limitBytes)),
    readLink: (root, path) => (isLayered(root) ? linkInLayers([rootPath, ...lowerLayers], path, opaqueFolders(addon, host)) : readLinkIn(root, path)),
  };
}

function readLinkIn(root: string, path: string): string | undefined {
  const file = join(root, path);
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(file) : undefined;
}

/** An ordinary user's layers have the attribute that overlayfs reads with `userxattr` (overlayfs.rst). */
export function opaqueFolders(addon: Addon, { uid }: Pick<HostFacts, 'uid'>): IsOpaque {
  const name = `${uid === 0 ? 'trusted' : 'user'}.overlay.opaque`;
  return (folder) => addon.readXattr(folder, name)?.toString() === 'y';
}
