/**
 * The volumes that an image declares. What is written there must miss the root (conversion.md): each gets a file system of its own in
 * memory, which goes with the container, with the owner and mode of the folder that the image has there. One that holds files is left in
 * the root, so that the program finds them: a disposable root keeps writes from the image as well, and so does what lies under a
 * read-only one, where such a place alone stays writable.
 */
import type { IdMaps } from './build-namespaces.js';
import { findInLayers, isEmptyInLayers, type IsOpaque } from '../../image/layered-files.js';
import { imageVolumes } from '../../image/run-config.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import { normalPath } from '../../spec/inner-path.js';
import { mappedId } from '../../spec/ids.js';
import type { Mount } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';

/** A volume of an image, as the image has it. */
export interface ImageVolume {
  /** Absolute and normal. */
  readonly destination: string;
  /** `absent`: the image has nothing there; `full`: a folder with files, or something else that is to stay as it is. */
  readonly content: 'absent' | 'empty' | 'full';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Of a file, or of this process. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const owned = { mode: 0o755, uid: 0, gid: 0 } as const;

/**
 * Looks into the layers; what does not let itself be read is left as it is.
 *
 * @param self who runs this: layers of an ordinary user have their owners shifted into its subordinate ids, and only its own stand for root
 */
export function readVolumes({ config, rootPath, lowerLayers = [] }: ResolvedImage, isOpaque: IsOpaque, self: Owner): ImageVolume[] {
  if (config === undefined) return [];
  return imageVolumes(config).map((destination): ImageVolume => {
    try {
      const entry = findInLayers([rootPath, ...lowerLayers], destination, isOpaque);
      if (entry === undefined) return { destination, content: 'absent', ...owned };
      if (!entry.status.isDirectory() || !isEmptyInLayers(entry)) return { destination, content: 'full', ...owned };
      const owner = innerOwner(entry.status, self);
      return { destination, content: owner === undefined ? 'full' : 'empty', mode: entry.status.mode & 0o7777, ...(owner ?? { uid: 0, gid: 0 }) };
    } catch {
      return { destination, content: 'full', ...owned };
    }
  });
}

function innerOwner({ uid, gid }: Owner, self: Owner): Owner | undefined {
  if (self.uid === 0) return { uid, gid };
  return uid === self.uid && gid === self.gid ? { uid: 0, gid: 0 } : undefined;
}

export interface VolumeMountInput {
  readonly volumes: readonly ImageVolume[];
  readonly options: RunOptions;
  /** The runtime's own mounts. */
  readonly base: readonly Mount[];
  readonly maps: IdMaps | undefined;
  readonly sizeBytes: number;
}

/** A mount of the caller's at the place or above it covers the volume; one of the runtime's own stands, and so do the kernel's folders. */
export function volumeMounts({ volumes, options, base, maps, sizeBytes }: VolumeMountInput): Mount[] {
  const covers = [...(options.mounts ?? []), ...base];
  return volumes.flatMap(({ destination, content, mode, uid, gid }) => {
    if (content === 'full' || isCovered(destination, covers)) return [];
    // Who is not mapped cannot be named.
    if (maps !== undefined && (mappedId(maps.uidMappings, uid) === undefined || mappedId(maps.gidMappings, gid) === undefined)) return [];
    const options = ['nosuid', 'nodev', `mode=${mode.toString(8).padStart(4, '0')}`, `uid=${uid}`, `gid=${gid}`, `size=${sizeBytes}`];
    return [{ destination, type: 'tmpfs', source: 'tmpfs', options }];
  });
}

/** Volumes that a read-only root would close: those without a mount. One in another comes first, so that the way to it leads through none. */
export function writableVolumes(volumes: readonly ImageVolume[], mounts: readonly Mount[]): string[] {
  const left = volumes.filter(({ content, destination }) => content !== 'absent' && !isCovered(destination, mounts));
  return left.map(({ destination }) => destination).sort().reverse();
}

function isCovered(path: string, mounts: readonly Pick<Mount, 'destination'>[]): boolean {
  const isBelow = (folder: string) => path === folder || path.startsWith(`${folder}/`);
  return ['/dev', '/proc', '/sys'].some(isBelow) || mounts.some(({ destination }) => isBelow(normalPath(destination)));
}
