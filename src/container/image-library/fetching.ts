/** Images on their way into the store: from a registry, or from files and folders of this host. */
import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { TsrunError } from '../../spec/errors.js';
import { hostPlatform, parsePlatform, platformFitness, platformName } from '../../image/documents/platform.js';
import type { Platform } from '../../image/documents.js';
import type { FetchOptions, ImportOptions, PullOptions } from '../../image/image-types.js';
import type { OfferedImage } from '../../image/offer.js';
import type { RegistryReference } from '../../image/reference.js';
import { defaultLimits } from '../../image/store/import-image.js';
import type { ImageRecord } from '../../image/store/records.js';
import type { ImageStore } from '../../image/store/store.js';
import type { Tell } from '../../image/store/work.js';
import type { SourceOptions } from '../../image/sources/source-options.js';
import { nameToGive } from './name-to-give.js';
import { placeOf, type Place } from './places.js';
import type { SourcePlace } from './stored-place.js';
import type { LibrarySurroundings } from './surroundings.js';

interface Told {
  readonly tell: Tell;
}

/** How an image is taken in, wherever it comes from. */
type Conduct = MayBeUndefined<Pick<FetchOptions, 'limits' | 'signal'>> & Told & { readonly checksum?: string | undefined };

/** What is handed on from other options need not be left out where it is not given. */
export type MayBeUndefined<T> = { readonly [K in keyof T]: T[K] | undefined };

/** An image that is there now, and the whole names that it was given just now: it may have others. */
export interface Fetched {
  readonly record: ImageRecord;
  readonly names: readonly string[];
}

export class Fetching {
  readonly #store: ImageStore;
  readonly #surroundings: LibrarySurroundings;

  constructor(store: ImageStore, surroundings: LibrarySurroundings) {
    this.#store = store;
    this.#surroundings = surroundings;
  }

  /**
   * @param reference as a person writes it, or whole, which registries.conf completes no more
   * @throws ERR_TSRUN_REGISTRY, ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED
   */
  async pull(reference: string | RegistryReference, { platform, name, tlsVerify, authFile, ...conduct }: MayBeUndefined<PullOptions> & Told): Promise<Fetched> {
    const given = givenName(name);
    const { offerFromRegistry } = await import('../../image/registry/offer-registry.js');
    conduct.tell({ stage: 'resolving', doneBytes: 0 });
    const offer = await offerFromRegistry(reference, { platform: platformFor(platform), tlsVerify, authFile, signal: conduct.signal, take: async (blob) => this.#store.take(blob, conduct.signal) });
    // By the name that it has there: registries.conf may have found it elsewhere than where docker would look.
    return this.#import(offer, given === undefined ? offer.names : [given], conduct);
  }

  /**
   * Every image that is there for the platform, or the one that is named.
   *
   * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED
   */
  async import(local: SourcePlace, { platform, name, ...conduct }: MayBeUndefined<ImportOptions> & Told): Promise<readonly Fetched[]> {
    const given = givenName(name);
    const place = await placeOf(local.source, local.name, platformName(platformFor(platform)));
    const offers = await this.#open(local, platform, given === undefined ? 'all' : 'one', conduct);
    const fetched = await this.#importAll(offers, given, conduct);
    const [only, ...others] = fetched;
    if (only !== undefined && others.length === 0) await this.#remember(place, only.record);
    return fetched;
  }

  /** The same for what comes by a stream, which is nowhere afterwards. @throws as `import` */
  async importStream(stream: NodeJS.ReadableStream, { platform, name, ...conduct }: MayBeUndefined<ImportOptions> & Told): Promise<readonly Fetched[]> {
    const given = givenName(name);
    const { openStream } = await import('../../image/sources/open-source.js');
    const isStandardInput = 'fd' in stream && stream.fd === 0;
    const totalBytes = await sizeOf(stream);
    const onRead = (doneBytes: number, finished: boolean) => { conduct.tell({ stage: 'fetching', doneBytes, ...(totalBytes !== undefined && { totalBytes }), ...(finished && { finished }) }); };
    const options = this.#sourceOptions(undefined, platform, given === undefined ? 'all' : 'one', conduct);
    const offers = await openStream(stream, isStandardInput ? 'standard input' : 'the stream', options, onRead);
    return this.#importAll(offers, given, conduct);
  }

  async #importAll(offers: readonly OfferedImage[], given: string | undefined, conduct: Conduct): Promise<readonly Fetched[]> {
    const fetched: Fetched[] = [];
    try {
      for (const offer of offers) fetched.push(await this.#import(offer, given === undefined ? offer.names : [given], conduct));
    } finally {
      for (const offer of offers) await offer.close();
    }
    return fetched;
  }

  /** The one image that is meant, without a name: what is run from a file must not take the name of another. */
  async importUnnamed(local: SourcePlace, { platform, ...conduct }: MayBeUndefined<ImportOptions> & Told): Promise<ImageRecord> {
    const place = await placeOf(local.source, local.name, platformName(platformFor(platform)));
    const offers = await this.#open(local, platform, 'one', conduct);
    try {
      const [offer] = offers;
      if (offer === undefined) throw new TsrunError('ERR_TSRUN_IMAGE', `'${local.source.path}' holds no image`);
      const { record } = await this.#import(offer, [], conduct);
      await this.#remember(place, record);
      return record;
    } finally {
      for (const offer of offers) await offer.close();
    }
  }

  async #open({ source, name }: SourcePlace, platform: string | undefined, choose: 'one' | 'all', conduct: Conduct): Promise<readonly OfferedImage[]> {
    const { openSource } = await import('../../image/sources/open-source.js');
    return openSource(source, this.#sourceOptions(name, platform, choose, conduct));
  }

  #sourceOptions(name: string | undefined, platform: string | undefined, choose: 'one' | 'all', { signal, limits, checksum, tell }: Conduct): SourceOptions {
    tell({ stage: 'resolving', doneBytes: 0 });
    return {
      name,
      choose: name === undefined ? choose : 'one',
      platform: platformFor(platform),
      temporaryFolder: this.#store.parts.layout.temporaries,
      expand: this.#surroundings.expand,
      limits: { ...defaultLimits, ...limits },
      checksum,
      signal,
    };
  }

  async #import(offer: OfferedImage, names: readonly string[], { signal, limits, tell }: Conduct): Promise<Fetched> {
    tell({ stage: 'resolving', doneBytes: 0, finished: true });
    try {
      return { record: await this.#store.import(offer, { names, signal, limits, tell }), names };
    } finally {
      await offer.close();
    }
  }

  /**
   * What was imported from there, if neither it nor that has changed.
   *
   * @throws ERR_TSRUN_IMAGE where the file has another checksum
   */
  async known(local: SourcePlace, { platform, checksum, signal }: MayBeUndefined<Pick<ImportOptions, 'platform' | 'checksum' | 'signal'>>): Promise<ImageRecord | undefined> {
    const known = await this.#remembered(local, platform);
    if (known === undefined || checksum === undefined) return known;
    const { verifyFile } = await import('../../image/sources/open-source.js');
    await verifyFile(local.source.path, checksum, signal);
    // What changed before it was read is not what was imported.
    return this.#remembered(local, platform);
  }

  async #remembered({ source, name }: SourcePlace, platform: string | undefined): Promise<ImageRecord | undefined> {
    const place = await placeOf(source, name, platformName(platformFor(platform)));
    if (place === undefined) return undefined;
    const { catalog } = this.#store;
    const known = await catalog.place(place.place);
    const [digest] = known?.identity === place.identity ? known.digests : [];
    return digest === undefined ? undefined : catalog.imageIfWhole(digest);
  }

  async #remember(place: Place | undefined, { manifest }: ImageRecord): Promise<void> {
    if (place !== undefined) await this.#store.rememberPlace(place.place, place.identity, [manifest.digest]);
  }
}

/** Of a file that a shell has opened; of a pipe nobody knows. */
async function sizeOf(stream: NodeJS.ReadableStream): Promise<number | undefined> {
  if (!('fd' in stream) || typeof stream.fd !== 'number') return undefined;
  const status = await promisify(fstat)(stream.fd).catch(() => undefined);
  return status?.isFile() === true ? status.size : undefined;
}

function givenName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : nameToGive(name);
}

export function platformFor(text: string | undefined): Platform {
  return text === undefined ? hostPlatform() : parsePlatform(text);
}

/** What is there under a name was fetched for a platform, perhaps another one's. Without a word about it, any will do. */
export function suits({ platform }: ImageRecord, wanted: string | undefined): boolean {
  return wanted === undefined || platformFitness(platform, parsePlatform(wanted)) > 0;
}
