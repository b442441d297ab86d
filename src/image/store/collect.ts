/** Taking away what nobody needs. Who calls holds the lock `use` alone: nothing is resolved, imported or started meanwhile. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import type { RemovedImages } from '../image-types.js';
import type { Catalog } from './catalog.js';
import { isDigest } from './digest.js';
import { storeError } from './faults.js';
import { removeLeftovers } from './open-store.js';
import type { ImageRecord } from './records.js';
import { layerFolders } from './run-layers.js';
import type { StoreParts } from './store-parts.js';

/** The folders of one container, as its record has them. */
export type ContainerLayers = ReadonlySet<string>;

export interface CollectInput {
  readonly parts: StoreParts;
  readonly catalog: Catalog;
  readonly containers: readonly ContainerLayers[];
  /** Whether an image that no container uses may go. */
  readonly isDoomed: (image: ImageRecord, names: readonly string[]) => boolean;
}

/** @throws ERR_TSRUN_STORE */
export async function collect({ parts, catalog, containers, isDoomed }: CollectInput): Promise<RemovedImages> {
  const { layout } = parts;
  const images = await catalog.images();
  const names = await catalog.names();
  const namesOf = ({ manifest }: ImageRecord) => names.filter(({ digest }) => digest === manifest.digest).map(({ name }) => name);
  const doomed = images.filter((image) => isDoomed(image, namesOf(image)) && !containers.some((container) => uses(container, image, layout)));
  const untagged = doomed.flatMap(namesOf);
  for (const name of untagged) await catalog.removeName(name);
  for (const { manifest } of doomed) await catalog.removeImage(manifest.digest);
  const kept = new Set(images.filter((image) => !doomed.includes(image)));
  await removeNameless(catalog, kept);
  const freedBytes = await removeUnneeded(parts, kept, containers);
  return { untagged, removed: doomed.map(({ manifest }) => manifest.digest), freedBytes };
}

/** Also when the container has more: an application on this image as its stack. */
function uses(container: ContainerLayers, { layers }: ImageRecord, layout: StoreParts['layout']): boolean {
  return layerFolders(layout, layers).every((folder) => container.has(folder));
}

/** Names, and places, whose images are gone; records that are damaged: what they tell of cannot be run without being fetched again. */
async function removeNameless(catalog: Catalog, kept: ReadonlySet<ImageRecord>): Promise<void> {
  const digests = new Set([...kept].map(({ manifest }) => manifest.digest));
  for (const { name, digest } of await catalog.names()) if (!digests.has(digest)) await catalog.removeName(name);
  for (const place of await catalog.places()) if (!place.digests.every((digest) => digests.has(digest))) await catalog.removePlace(place.place);
  for (const digest of await catalog.digests()) if (!digests.has(digest)) await catalog.removeImage(digest);
}

async function removeUnneeded(parts: StoreParts, kept: ReadonlySet<ImageRecord>, containers: readonly ContainerLayers[]): Promise<number> {
  const { layout } = parts;
  const blobs = new Set([...kept].flatMap(({ manifest, config, layers }) => [manifest, config, ...layers.map(({ descriptor }) => descriptor)]).map(({ digest }) => digest));
  const keys = new Set([...kept].flatMap(({ layers }) => layers.map(({ key }) => key)));
  let freed = 0;
  for (const key of await digestsIn(layout.layers)) {
    if (keys.has(key) || containers.some((container) => container.has(layout.diff(key)))) continue;
    freed += (await parts.layers.find(key))?.unpackedBytes ?? 0;
    await moveAway(parts, layout.layer(key));
  }
  for (const digest of await digestsIn(layout.blobs)) {
    if (!blobs.has(digest)) freed += await removeBlob(layout.blob(digest));
  }
  await removeLeftovers(parts, { partialBlobs: true });
  return freed;
}

async function digestsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(async (cause: unknown) => { throw await storeError(folder, cause); });
  return names.map((name) => `sha256:${name}`).filter(isDigest);
}

/** In one step, so that nobody finds half a layer; the rest may be done by whoever comes next. */
async function moveAway({ layout }: StoreParts, folder: string): Promise<void> {
  try {
    await rename(folder, join(layout.temporaries, `gone-${randomBytes(8).toString('hex')}`));
  } catch (cause) {
    throw await storeError(folder, cause);
  }
}

async function removeBlob(path: string): Promise<number> {
  try {
    const { size } = await stat(path);
    await unlink(path);
    return size;
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return 0;
    throw await storeError(path, cause);
  }
}
