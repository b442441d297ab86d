/** A store of images: what is asked of it from outside. `docs/images.md` has its files and its locks. */
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import { mostDocumentBytes } from '../documents/manifest.js';
import { readConfig } from '../documents/config.js';
import type { RemovedImages } from '../image-types.js';
import type { OfferedBlob, OfferedImage } from '../offer.js';
import type { ResolvedImage } from '../resolved-image.js';
import { Catalog } from './catalog.js';
import { collect, type StoreUse } from './collect.js';
import { chainIdsOf } from './digest.js';
import { damaged } from './faults.js';
import { importImage, type ImportOptions } from './import-image.js';
import type { Lock } from './locks.js';
import { openStore, removeLeftovers, type OpenStoreInput } from './open-store.js';
import { pin, pinned, useLock } from './pins.js';
import type { ImageRecord } from './records.js';
import { layerFolders } from './run-layers.js';
import { offerStored } from './stored-offer.js';
import type { StoreParts } from './store-parts.js';

export interface StoreInput extends OpenStoreInput {
  /** What the containers of a state root use; undefined when there is no such state root any more. */
  readonly containersOf: (stateRoot: string) => Promise<readonly StoreUse[] | undefined>;
}

export interface StoreImport extends ImportOptions {
  /** What it is to be called, whole; those that the source knows it by are left to the caller. */
  readonly names: readonly string[];
}

export class ImageStore {
  readonly parts: StoreParts;
  readonly catalog: Catalog;
  readonly #containersOf: StoreInput['containersOf'];
  readonly #registered = new Set<string>();

  private constructor(parts: StoreParts, { containersOf }: StoreInput) {
    this.parts = parts;
    this.catalog = new Catalog(parts.layout);
    this.#containersOf = containersOf;
  }

  /** @throws ERR_TSRUN_STORE */
  static async open(input: StoreInput): Promise<ImageStore> {
    return new ImageStore(await openStore(input), input);
  }

  /** @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what the source throws */
  async import(offer: OfferedImage, options: StoreImport): Promise<ImageRecord> {
    const { parts } = this;
    const { manifest, config, layers } = offer;
    const diffIds = layers.map(({ diffId }) => diffId);
    const blobs = [manifest.descriptor, config.descriptor, ...layers.map(({ descriptor }) => descriptor)].map(({ digest }) => digest);
    const pinning = await pin(parts, [...blobs, ...diffIds, ...chainIdsOf(diffIds)], options.signal);
    try {
      await removeLeftovers(parts, { partialBlobs: false });
      const record = await importImage(parts, offer, options);
      for (const name of options.names) await this.#name(name, record.manifest.digest);
      return record;
    } finally {
      await pinning.release();
    }
  }

  /** @throws ERR_TSRUN_STORE */
  async tag(digest: string, name: string): Promise<void> {
    const use = await this.parts.locks.shared(useLock);
    try {
      if ((await this.catalog.image(digest)) === undefined) throw new TsrunError('ERR_TSRUN_IMAGE', `the image ${show(digest)} is gone`, { hint: 'it was removed meanwhile' });
      await this.#name(name, digest);
    } finally {
      await use.release();
    }
  }

  async #name(name: string, digest: string): Promise<void> {
    await this.parts.write(this.parts.layout.name(name), { name, digest });
  }

  /** Remembers what a file or folder held when it was imported. */
  async rememberPlace(place: string, identity: string, digests: readonly string[]): Promise<void> {
    await this.parts.write(this.parts.layout.file(place), { place, identity, digests });
  }

  /** From now on `prune` looks what its containers use. */
  async registerUser(stateRoot: string): Promise<void> {
    if (this.#registered.has(stateRoot)) return;
    await this.parts.write(this.parts.layout.user(stateRoot), { stateRoot });
    this.#registered.add(stateRoot);
  }

  /**
   * Something to run. Layers that are missing or damaged are unpacked again from their blobs.
   *
   * @throws ERR_TSRUN_STORE where these are gone as well
   */
  async resolve(record: ImageRecord, name: string, { asItIs = false, ...options }: ImportOptions & { readonly asItIs?: boolean | undefined }): Promise<ResolvedImage> {
    const { layers, blobs, layout } = this.parts;
    const found = await Promise.all(record.layers.map(async ({ key }) => layers.find(key)));
    if (asItIs && found.includes(undefined)) throw damaged(layout.image(record.manifest.digest), 'a layer of it is missing');
    const whole = found.includes(undefined) ? await this.#unpackAgain(record, options) : record;
    const [rootPath, ...lowerLayers] = layerFolders(layout, whole.layers);
    if (rootPath === undefined) throw damaged(layout.image(record.manifest.digest), 'it has no layers');
    const config = readConfig(await blobs.read(whole.config, mostDocumentBytes), `the config of ${show(name)}`);
    const highestId = Math.max(...whole.layers.map((layer) => layer.highestId ?? 0));
    return { kind: 'image', rootPath, ...(lowerLayers.length > 0 && { lowerLayers }), ...(highestId > 0 && { highestId }), config, digest: record.manifest.digest, name };
  }

  async #unpackAgain(record: ImageRecord, options: ImportOptions): Promise<ImageRecord> {
    return this.import(await this.offer(record), { ...options, names: [] });
  }

  /** A small blob, fetched unless it is there, by one process alone. @throws as `import` */
  async take(blob: OfferedBlob, signal: AbortSignal | undefined): Promise<Buffer> {
    const { parts: { layers, blobs }, parts } = this;
    const { descriptor } = blob;
    const pinning = await pin(parts, [descriptor.digest], signal);
    const work = { blob, signal, onProgress: () => undefined };
    try {
      await layers.ensureBlob(work);
      await layers.ensureBlob(work);
      if (!(await blobs.isWhole(descriptor.digest, signal))) {
        await blobs.remove(descriptor.digest);
        await layers.ensureBlob(work);
      }
      return await blobs.read(descriptor, mostDocumentBytes);
    } finally {
      await pinning.release();
    }
  }

  async offer(record: ImageRecord): Promise<OfferedImage> {
    const names = await this.catalog.names();
    return offerStored(this.parts.blobs, record, names.filter(({ digest }) => digest === record.manifest.digest).map(({ name }) => name));
  }

  /** An image that is not to go, whether it is there already or is imported meanwhile. */
  async pin(digest: string, signal?: AbortSignal): Promise<Lock> {
    return pin(this.parts, [digest], signal);
  }

  /** While it is held nothing is taken away. */
  async use(signal?: AbortSignal): Promise<() => void> {
    const atOnce = this.parts.locks.tryShared(useLock);
    if (atOnce !== undefined) return atOnce;
    const lock = await this.parts.locks.shared(useLock, signal);
    return () => { void lock.release(); };
  }

  /**
   * @param all also images that have a name
   * @throws ERR_TSRUN_STORE; also ERR_TSRUN_STATE where it cannot be told what a container uses
   */
  async prune(all: boolean): Promise<RemovedImages> {
    const removed = await this.#collect([], (_digest, names) => all || names.length === 0);
    await removeLeftovers(this.parts, { partialBlobs: true });
    return removed;
  }

  /** Takes names away, and the image with its last one. @throws as `prune`; ERR_TSRUN_STATE also where there is no name to take away, and something uses it */
  async remove(digest: string, names: readonly string[]): Promise<RemovedImages> {
    const removed = await this.#collect(names, (image, left) => image === digest && left.length === 0, (containers) => {
      if (names.length === 0) refuseUsed(digest, containers);
    });
    await removeLeftovers(this.parts, { partialBlobs: false });
    return removed;
  }

  async #collect(untagged: readonly string[], isDoomed: (digest: string, names: readonly string[]) => boolean, check: (containers: readonly StoreUse[]) => void = () => undefined): Promise<RemovedImages> {
    const { parts, catalog } = this;
    const alone = await parts.locks.exclusiveOfShared(useLock);
    try {
      const containers = await this.#containers();
      check(containers);
      for (const name of untagged) await catalog.removeName(name);
      const removed = await collect({ parts, catalog, containers, pinned: await pinned(parts), isDoomed });
      return { ...removed, untagged: [...untagged, ...removed.untagged] };
    } finally {
      await alone.release();
    }
  }

  async #containers(): Promise<StoreUse[]> {
    const all: StoreUse[] = [];
    for (const { stateRoot } of await this.catalog.users()) {
      const containers = await this.#containersOf(stateRoot);
      if (containers === undefined) await this.catalog.removeUser(stateRoot);
      else all.push(...containers);
    }
    return all;
  }
}

function refuseUsed(digest: string, containers: readonly StoreUse[]): void {
  const users = containers.filter(({ images }) => images.has(digest)).map(({ user }) => user);
  const [first] = users;
  if (first === undefined) return;
  throw new TsrunError('ERR_TSRUN_STATE', `the image ${digest} is used by ${first}${users.length > 1 ? ` and ${users.length - 1} more` : ''}`, { hint: 'remove what uses it first: tsrun rm, tsrun unmount' });
}
