/** Taking away what nobody needs. Who calls holds the lock `use` alone: nothing is resolved, imported or started meanwhile. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { errnoName } from '../../spec/errno.js';
import type { RemovedImages } from '../image-types.js';
import type { Catalog } from './catalog.js';
import { isDigest } from '../documents/digest.js';
import { storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import type { ImageRecord } from './records.js';
import type { StoreParts } from './store-parts.js';

/** What one container, or mount, uses of a store, as its record has it. */
export interface StoreUse {
  /** Digests of manifests: its image, and the stack below that. */
  readonly images: ReadonlySet<string>;
  /** Folders. */
  readonly layers: ReadonlySet<string>;
}

export interface CollectInput {
  readonly parts: StoreParts;
  readonly catalog: Catalog;
  readonly containers: readonly StoreUse[];
  /** Of imports that go on. */
  readonly pinned: ReadonlySet<string>;
  /** Whether an image that no container uses may go. */
  readonly isDoomed: (image: ImageRecord, names: readonly string[]) => boolean;
}

/** @throws ERR_TSRUN_STORE */
export async function collect({ parts, catalog, containers, pinned, isDoomed }: CollectInput): Promise<RemovedImages> {
  const images = await catalog.images();
  const names = await catalog.names();
  const namesOf = ({ manifest }: ImageRecord) => names.filter(({ digest }) => digest === manifest.digest).map(({ name }) => name);
  const isNeeded = (image: ImageRecord) => pinned.has(image.manifest.digest) || containers.some((use) => use.images.has(image.manifest.digest));
  const doomed = images.filter((image) => isDoomed(image, namesOf(image)) && !isNeeded(image));
  const untagged = doomed.flatMap(namesOf);
  for (const name of untagged) await catalog.removeName(name);
  for (const { manifest } of doomed) await catalog.removeImage(manifest.digest);
  const kept = new Set(images.filter((image) => !doomed.includes(image)));
  await removeNameless(catalog, kept);
  const needed = new Set([...pinned, ...[...kept].flatMap(digestsOf)]);
  const freedBytes = await removeUnneeded(parts, needed, containers);
  return { untagged, removed: doomed.map(({ manifest }) => manifest.digest), freedBytes };
}

/** Names, and places, whose images are gone; records that are damaged: what they tell of cannot be run without being fetched again. */
async function removeNameless(catalog: Catalog, kept: ReadonlySet<ImageRecord>): Promise<void> {
  const digests = new Set([...kept].map(({ manifest }) => manifest.digest));
  for (const { name, digest } of await catalog.names()) if (!digests.has(digest)) await catalog.removeName(name);
  for (const place of await catalog.places()) if (!place.digests.every((digest) => digests.has(digest))) await catalog.removePlace(place.place);
  for (const digest of await catalog.digests()) if (!digests.has(digest)) await catalog.removeImage(digest);
}

function digestsOf({ manifest, config, layers }: ImageRecord): string[] {
  return [manifest.digest, config.digest, ...layers.flatMap(({ descriptor, key }) => [descriptor.digest, key])];
}

async function removeUnneeded({ layout, layers }: StoreParts, needed: ReadonlySet<string>, containers: readonly StoreUse[]): Promise<number> {
  let freed = 0;
  for (const key of await digestsIn(layout.layers)) {
    if (needed.has(key) || containers.some((use) => use.layers.has(layout.diff(key)))) continue;
    freed += (await layers.find(key))?.unpackedBytes ?? 0;
    await moveAway(layout, key);
  }
  for (const digest of await digestsIn(layout.blobs)) {
    if (!needed.has(digest)) freed += await removeBlob(layout.blob(digest));
  }
  return freed;
}

async function digestsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(async (cause: unknown) => { throw await storeError(folder, cause); });
  return names.map((name) => `sha256:${name}`).filter(isDigest);
}

/** In one step, so that nobody finds half a layer; `removeLeftovers` does the rest, now or the next time. */
async function moveAway(layout: StoreLayout, key: string): Promise<void> {
  try {
    await rename(layout.layer(key), layout.temporary(`gone-${randomBytes(8).toString('hex')}`));
  } catch (cause) {
    throw await storeError(layout.layer(key), cause);
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
