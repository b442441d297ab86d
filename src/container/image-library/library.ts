/** The images of a store as the API has them. Loaded when they are first asked for. */
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { readConfig } from '../../image/documents/config.js';
import { mostDocumentBytes } from '../../image/documents/manifest.js';
import { checkPlatform, parsePlatform } from '../../image/documents/platform.js';
import type { DamagedImage, FetchedImage, ImageChanges, ImageDetails, ImageSummary, ImageWork, ImportOptions, LookOptions, PullOptions, RemovedImages, ResolveImageOptions } from '../../image/image-types.js';
import { readLayerChanges } from '../../image/layer-changes.js';
import { recognise } from '../../image/recognise.js';
import { isReference, parseReference } from '../../image/reference.js';
import { defaultLimits } from '../../image/store/import-image.js';
import { checkAborted } from '../../image/store/faults.js';
import { isStore } from '../../image/store/open-store.js';
import type { Catalog, LocatedImage } from '../../image/store/catalog.js';
import type { ImageRecord } from '../../image/store/records.js';
import { ImageStore } from '../../image/store/store.js';
import { StoreLayout } from '../../image/store/layout.js';
import { startWork } from '../../image/store/work.js';
import { containerLayersOf } from './container-layers.js';
import { Fetching, type Fetched, type MayBeUndefined } from './fetching.js';
import { findImage, locateImage, type FoundImage, type SoughtImage } from './find-image.js';
import { meantAsPath, notLookedAt, notPacked, packedAt } from './meant.js';
import { nameToGive } from './name-to-give.js';
import { Resolving, type ResolveRequest, type StoredImage } from './resolving.js';
import { detailsOf, summaryOf } from './summaries.js';
import type { LibrarySurroundings } from './surroundings.js';

export interface SaveOptions {
  readonly format?: 'oci' | 'docker-archive';
  readonly signal?: AbortSignal;
}

export class Library {
  readonly #surroundings: LibrarySurroundings;
  readonly #layout: StoreLayout;
  readonly #closing: AbortSignal;
  readonly #underWay = new Set<Promise<unknown>>();
  #store: Promise<ImageStore> | undefined;

  /** @param closing of who unpacks: from then on nothing long begins, and what is under way is given up */
  constructor(surroundings: LibrarySurroundings, closing: AbortSignal) {
    this.#surroundings = surroundings;
    this.#closing = closing;
    this.#layout = new StoreLayout(surroundings.root);
  }

  /** Made when there is none. @throws ERR_TSRUN_STORE */
  async store(): Promise<ImageStore> {
    const { root, addon, unpack, removeTree } = this.#surroundings;
    this.#store ??= ImageStore.open({ root, calls: addon, unpack, removeTree, containersOf: containerLayersOf });
    try {
      return await this.#store;
    } catch (error) {
      // What kept it from being opened may be mended.
      this.#store = undefined;
      throw error;
    }
  }

  #isClosed(): boolean {
    return this.#closing.aborted;
  }

  /** When nothing long is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** What ends at the latest when this is closed. @throws ERR_TSRUN_STATE then */
  async #whileOpen<Result>(given: AbortSignal | undefined, action: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (this.#isClosed()) throw closed();
    const signal = given === undefined ? this.#closing : AbortSignal.any([given, this.#closing]);
    const work = action(signal);
    this.#underWay.add(work);
    try {
      return await work;
    } catch (cause) {
      throw this.#isClosed() && given?.aborted !== true ? closed(cause) : cause;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #fetching(): Promise<Fetching> {
    return new Fetching(await this.store(), this.#surroundings);
  }

  /** For a start, or with `asItIs` for a look. @throws ERR_TSRUN_IMAGE, ERR_TSRUN_REGISTRY, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED */
  async resolve(reference: string, request: ResolveRequest): Promise<StoredImage> {
    if (request.asItIs === true && !(await isStore(this.#layout))) throw await notLookedAt(reference);
    return this.#whileOpen(request.signal, async (signal) => {
      const store = await this.store();
      if (request.asItIs !== true) await store.registerUser(this.#surroundings.stateRoot);
      return new Resolving(store, await this.#fetching()).resolve(reference, { ...request, signal });
    });
  }

  /** As `StoredImage.release`, for one that was resolved before. */
  async use(signal: AbortSignal | undefined): Promise<() => void> {
    return (await this.store()).use(signal);
  }

  /** Undefined where nothing was ever stored: nothing is made for who only asks. */
  async #existing(): Promise<ImageStore | undefined> {
    return (await isStore(this.#layout)) ? this.store() : undefined;
  }

  pull(reference: string, options: PullOptions = {}): ImageWork<FetchedImage> {
    return startWork(async (tell) => this.#whileOpen(options.signal, async (signal) => {
      try {
        const text = withoutScheme(reference);
        const parsed = parseReference(text);
        const fetching = await this.#fetching();
        // With the scheme it is whole, as with skopeo and podman.
        return await this.#fetchedOf(await fetching.pull(text === reference ? text : parsed, { ...handed(options), signal, tell }));
      } catch (error) {
        throw await meantAsPath(reference, error);
      }
    }));
  }

  import(source: string | NodeJS.ReadableStream, options: ImportOptions = {}): ImageWork<readonly FetchedImage[]> {
    return startWork(async (tell) => this.#whileOpen(options.signal, async (signal) => {
      const request = { ...handed(options), checksum: options.checksum, signal, tell };
      const place = typeof source === 'string' ? await packedAt(source) : source;
      const fetching = await this.#fetching();
      const fetched = await ('kind' in place ? fetching.import(place, request) : fetching.importStream(place, request));
      return Promise.all(fetched.map(async (each) => this.#fetchedOf(each)));
    }));
  }

  /** What a start would take, made ready for it. */
  ready(reference: string, { pull, platform, checksum, tlsVerify, authFile, limits, signal }: ResolveImageOptions = {}): ImageWork<ImageSummary> {
    return startWork(async (tell) => {
      // Of what is there already, nothing else would look.
      checkAborted(signal);
      const { image, release } = await this.resolve(reference, { pull, platform, checksum, tlsVerify, authFile, limits, signal, tell });
      try {
        if (image.digest === undefined) throw notPacked(reference);
        return await this.#summaryOf((await this.find(image.digest)).image);
      } finally {
        release();
      }
    });
  }

  async #fetchedOf({ record, names }: Fetched): Promise<FetchedImage> {
    return { ...(await this.#summaryOf(record)), givenNames: names };
  }

  async #summaryOf(record: ImageRecord): Promise<ImageSummary> {
    return summaryOf(record, await this.#namesOf(record.manifest.digest));
  }

  async #namesOf(image: string): Promise<string[]> {
    const { catalog } = await this.store();
    return (await catalog.names()).filter(({ digest }) => digest === image).map(({ name }) => name);
  }

  async list(): Promise<readonly ImageSummary[]> {
    const store = await this.#existing();
    if (store === undefined) return [];
    const [images, names] = await Promise.all([store.catalog.images(), store.catalog.names()]);
    return images.map((record) => summaryOf(record, names.filter(({ digest }) => digest === record.manifest.digest).map(({ name }) => name)));
  }

  async damaged(): Promise<readonly DamagedImage[]> {
    const store = await this.#existing();
    if (store === undefined) return [];
    const [damaged, names] = await Promise.all([store.catalog.damaged(), store.catalog.names()]);
    return damaged.map((digest) => ({ digest, names: names.filter((each) => each.digest === digest).map(({ name }) => name) }));
  }

  async inspect(reference: string, options: LookOptions = {}): Promise<ImageDetails> {
    const image = await this.#lookUp(reference, options);
    const { parts } = await this.store();
    const config = readConfig(await parts.blobs.read(image.config, mostDocumentBytes), `the config of '${printable(reference, 200)}'`);
    return detailsOf(image, await this.#namesOf(image.manifest.digest), config, parts.layout);
  }

  async changes(reference: string, options: LookOptions = {}): Promise<ImageChanges> {
    const image = await this.#lookUp(reference, options);
    const { signal } = options;
    const store = await this.store();
    // So that nobody takes its layers away meanwhile.
    const release = await store.use(signal);
    try {
      return await readLayerChanges(image.layers.map(({ key }) => store.parts.layout.diff(key)), this.#surroundings.isOpaque, signal);
    } finally {
      release();
    }
  }

  /** Of the store, where a file or folder is taken into it as a start with it would. @throws ERR_TSRUN_IMAGE where there is none */
  async #lookUp(reference: string, options: LookOptions): Promise<ImageRecord> {
    try {
      const { image } = await this.find(reference);
      if (options.platform !== undefined) checkPlatform(image.platform, parsePlatform(options.platform), `'${printable(reference, 400)}'`);
      return image;
    } catch (error) {
      if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_IMAGE') throw error;
      const place = await recognise(reference);
      if (place.kind === 'folder') throw notPacked(reference);
      if (place.kind !== 'source') throw error;
      const { digest } = await this.ready(reference, options).done;
      return (await this.find(digest)).image;
    }
  }

  /** Of the store. @throws ERR_TSRUN_IMAGE where there is none */
  async find(reference: string): Promise<FoundImage> {
    return this.#sought(reference, findImage);
  }

  async #sought<Found>(reference: string, look: (catalog: Catalog, sought: SoughtImage) => Promise<Found | undefined>): Promise<Found> {
    const store = await this.#existing();
    const found = store === undefined ? undefined : await look(store.catalog, soughtIn(reference));
    if (found !== undefined) return found;
    throw new TsrunError('ERR_TSRUN_IMAGE', `there is no image '${printable(reference, 400)}' in the store`, { hint: 'tsrun images lists them' });
  }

  async tag(reference: string, name: string): Promise<void> {
    const whole = nameToGive(name);
    const { image } = await this.find(reference);
    await (await this.store()).tag(image.manifest.digest, whole);
  }

  async remove(reference: string, { force = false }: { readonly force?: boolean } = {}): Promise<RemovedImages> {
    // What is damaged can go as well as what is whole.
    const { digest, name } = await this.#sought<LocatedImage>(reference, locateImage);
    const names = await this.#namesOf(digest);
    if (name === undefined && names.length > 1 && !force) {
      throw new TsrunError('ERR_TSRUN_IMAGE', `the image '${printable(reference, 400)}' has ${names.length} names: ${names.slice(0, 10).join(', ')}`, { hint: 'name the one to be taken away, or use --force for all of them' });
    }
    return (await this.store()).remove(digest, name === undefined || force ? names : [name]);
  }

  async prune({ all = false }: { readonly all?: boolean } = {}): Promise<RemovedImages> {
    const store = await this.#existing();
    return store === undefined ? { untagged: [], removed: [], freedBytes: 0 } : store.prune(all);
  }

  save(references: readonly string[], destination: string | NodeJS.WritableStream, { format = 'oci', signal: given }: SaveOptions = {}): ImageWork<void> {
    return startWork(async (tell) => this.#whileOpen(given, async (signal) => {
      if (references.length === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'no image to save', { field: '/references', hint: 'name at least one' });
      const found = await Promise.all(references.map(async (reference) => this.find(reference)));
      const images = await Promise.all(found.map(async ({ image, name }) => ({ record: image, names: name === undefined ? await this.#namesOf(image.manifest.digest) : [name] })));
      const { parts } = await this.store();
      const expanding = { temporaryFolder: parts.layout.temporaries, expand: this.#surroundings.expand, limits: defaultLimits, signal };
      const { saveImages } = await import('../../image/store/save/save.js');
      await saveImages({ blobs: parts.blobs, images: merged(images), destination, format, signal, tell, expanding });
    }));
  }
}

/** One that is asked for by several names is one image with several. */
function merged(images: readonly { readonly record: ImageRecord; readonly names: readonly string[] }[]): { record: ImageRecord; names: string[] }[] {
  const byDigest = new Map<string, { record: ImageRecord; names: string[] }>();
  for (const { record, names } of images) {
    const known = byDigest.get(record.manifest.digest) ?? { record, names: [] };
    known.names.push(...names.filter((name) => !known.names.includes(name)));
    byDigest.set(record.manifest.digest, known);
  }
  return [...byDigest.values()];
}

function closed(cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', cause === undefined ? 'the runtime is closed' : 'the runtime was closed during the work on an image', { hint: 'open another one; what was fetched is gone on with', cause });
}

function withoutScheme(reference: string): string {
  return reference.startsWith('docker://') ? reference.slice('docker://'.length) : reference;
}

/** Whatever lies at a path of that name. */
function soughtIn(reference: string): SoughtImage {
  const text = withoutScheme(reference);
  const [, algorithm, idPrefix] = /^(sha256:)?([\da-f]{4,64})$/.exec(text) ?? [];
  return { ...(text === reference && { text }), ...(algorithm === undefined && isReference(text) && { reference: parseReference(text) }), ...(idPrefix !== undefined && { idPrefix }) };
}

/** Every option, also where it is not given. */
function handed({ platform, name, limits, signal, tlsVerify, authFile }: PullOptions): MayBeUndefined<PullOptions> {
  return { platform, name, limits, signal, tlsVerify, authFile };
}
