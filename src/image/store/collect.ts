/** Taking away what nobody needs. Who calls holds the lock `use` alone: nothing is resolved, imported or started meanwhile. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { errnoName } from '../../spec/errno.js';
import type { RemovedImages } from '../image-types.js';
import type { Catalog } from './catalog.js';
import { isDigest } from '../documents/digest.js';
import { chainIdsOf } from './digest.js';
import { storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import type { ImageRecord } from './records.js';
import { offerWithoutRecord } from './stored-offer.js';
import type { StoreParts } from './store-parts.js';

/** What one container, or mount, uses of a store, as its record has it. */
export interface StoreUse {
  /** For people: `the container 'web'`. */
  readonly user: string;
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
  /** Whether an image that no container uses may go. @param names all that it has */
  readonly isDoomed: (digest: string, names: readonly string[]) => boolean;
}

/** @throws ERR_TSRUN_STORE */
export async function collect({ parts, catalog, containers, pinned, isDoomed }: CollectInput): Promise<RemovedImages> {
  const images = await catalog.images();
  const names = await catalog.names();
  const damaged = await catalog.damaged();
  const namesOf = (image: string) => names.filter(({ digest }) => digest === image).map(({ name }) => name);
  const isNeeded = (digest: string) => pinned.has(digest) || containers.some((use) => use.images.has(digest));
  const digests = [...images.map(({ manifest }) => manifest.digest), ...damaged];
  const doomed = digests.filter((digest) => isDoomed(digest, namesOf(digest)) && !isNeeded(digest));
  const untagged = doomed.flatMap(namesOf);
  for (const name of untagged) await catalog.removeName(name);
  for (const digest of doomed) await catalog.removeImage(digest);
  const kept = new Set(digests.filter((digest) => !doomed.includes(digest)));
  await removeNameless(catalog, kept);
  const known = images.filter(({ manifest }) => kept.has(manifest.digest)).flatMap(digestsOf);
  const guessed = await Promise.all(damaged.filter((digest) => kept.has(digest)).map(async (digest) => digestsOfDamaged(parts, digest)));
  // What cannot be told of one that is to stay could be anything.
  const freedBytes = guessed.includes(undefined) ? 0 : await removeUnneeded(parts, new Set([...pinned, ...known, ...guessed.flatMap((each) => each ?? [])]), containers);
  return { untagged, removed: doomed, freedBytes };
}

/** Names, and places, whose images are gone. */
async function removeNameless(catalog: Catalog, kept: ReadonlySet<string>): Promise<void> {
  for (const { name, digest } of await catalog.names()) if (!kept.has(digest)) await catalog.removeName(name);
  for (const place of await catalog.places()) if (!place.digests.every((digest) => kept.has(digest))) await catalog.removePlace(place.place);
}

/** All that an image may need whose record is damaged, as its manifest and config say; undefined where they are gone too. */
async function digestsOfDamaged({ blobs }: StoreParts, digest: string): Promise<string[] | undefined> {
  try {
    const { config, layers } = await offerWithoutRecord(blobs, digest);
    const diffIds = layers.map(({ diffId }) => diffId);
    return [digest, config.descriptor.digest, ...layers.map(({ descriptor }) => descriptor.digest), ...diffIds, ...chainIdsOf(diffIds)];
  } catch {
    return undefined;
  }
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
