/** From what a person names to the layers that a container is made of. */
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { hostPlatform } from '../../image/documents/platform.js';
import type { ImageConfig } from '../../image/documents.js';
import type { ResolveOptions } from '../../image/image-types.js';
import { withoutFile } from '../../image/checksum.js';
import { mergeConfigs } from '../../image/merge-configs.js';
import { hintOfPath, recognise } from '../../image/recognise.js';
import { wholeName } from '../../image/reference.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import { isLoss } from '../../image/store/faults.js';
import type { Lock } from '../../image/store/locks.js';
import type { ImageRecord } from '../../image/store/records.js';
import type { ImageStore } from '../../image/store/store.js';
import type { Tell } from '../../image/store/work.js';
import { suits, type Fetching, type MayBeUndefined } from './fetching.js';
import { seeFile, type SeenFile } from '../file-identity.js';
import { withoutStack } from '../without-stack.js';
import { findImage, namesInStore } from './find-image.js';
import { filesOfPlace } from './places.js';
import { nameOf, type SourcePlace, type StoredPlace } from './stored-place.js';

export interface ResolveRequest extends MayBeUndefined<ResolveOptions> {
  readonly tell: Tell;
  /** Nothing is fetched or unpacked: what is not there is an error. */
  readonly asItIs?: boolean;
}

export interface StoredImage {
  readonly image: ResolvedImage;
  /** Files whose change makes it another one. */
  readonly seen: readonly SeenFile[];
  /** Its layers may be removed from then on, unless a container's record names them. */
  readonly release: () => void;
}

/** Somebody may remove an image between its being fetched and its being held. From the second time on it is pinned, and a name may lead to another. */
const mostTries = 4;

export class Resolving {
  readonly #store: ImageStore;
  readonly #fetching: Fetching;

  constructor(store: ImageStore, fetching: Fetching) {
    this.#store = store;
    this.#fetching = fetching;
  }

  /** @throws ERR_TSRUN_IMAGE, ERR_TSRUN_REGISTRY, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED */
  async resolve(reference: string, request: ResolveRequest): Promise<StoredImage> {
    const { stack, checksum, ...own } = request;
    const upper = await this.#one(reference, { ...own, checksum });
    if (stack === undefined) return upper;
    try {
      if (upper.image.kind !== 'image') throw withoutStack();
      const below = await this.#one(stack, own);
      if (below.image.kind === 'bundle') throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the stack '${printable(stack, 400)}' is a bundle, which brings its own walls`, { field: '/stack', hint: 'name its root folder' });
      return {
        image: stacked(upper.image, below.image),
        seen: [...upper.seen, ...below.seen],
        release: () => {
          upper.release();
          below.release();
        },
      };
    } catch (error) {
      upper.release();
      throw error;
    }
  }

  async #one(reference: string, request: ResolveRequest): Promise<StoredImage> {
    const place = await recognise(reference);
    if (request.checksum !== undefined && place.kind !== 'source') throw withoutFile(reference);
    if (place.kind === 'folder') return { image: place.image, seen: [], release: () => undefined };
    const pins: Lock[] = [];
    try {
      return await this.#held(place, reference, request, pins);
    } finally {
      for (const pin of pins) await pin.release();
    }
  }

  /** @param pins for the caller to release */
  async #held(place: StoredPlace, reference: string, request: ResolveRequest, pins: Lock[]): Promise<StoredImage> {
    let anew = false;
    for (let tries = 1; ; tries++) {
      // Before it is read: what changes meanwhile is found changed the next time.
      const seen = (await this.#filesOf(place)).map(seeFile);
      const { digest } = (await this.#record(place, request, anew)).manifest;
      const release = await this.#store.use(request.signal);
      let image: ResolvedImage | undefined;
      try {
        image = await this.#whole(digest, place.kind === 'source' ? reference : nameOf(place), request);
      } catch (error) {
        const mayFetch = isLoss(error) && !anew && request.asItIs !== true && request.pull !== 'never';
        if (!mayFetch) {
          release();
          throw error;
        }
        anew = true;
      }
      if (image !== undefined) return { image, seen: [...seen, seeFile(this.#store.parts.layout.image(digest))], release };
      release();
      pins.push(await this.#store.pin(digest, request.signal));
      if (tries === mostTries) throw new TsrunError('ERR_TSRUN_STORE', `the image '${printable(reference, 400)}' is removed again and again while it is started`, { hint: 'does something run tsrun prune all the time?' });
    }
  }

  /** Undefined when it was removed meanwhile. */
  async #whole(digest: string, name: string, { limits, signal, tell, asItIs }: ResolveRequest): Promise<ResolvedImage | undefined> {
    const record = await this.#store.catalog.imageIfWhole(digest);
    return record === undefined ? undefined : this.#store.resolve(record, name, { limits, signal, tell, asItIs });
  }

  async #filesOf(place: StoredPlace): Promise<string[]> {
    if (place.kind === 'source') return filesOfPlace(place.source);
    const { catalog, parts } = this.#store;
    return (await namesInStore(catalog, place)).map((reference) => parts.layout.name(wholeName(reference)));
  }

  async #record(place: StoredPlace, request: ResolveRequest, anew: boolean): Promise<ImageRecord> {
    if (place.kind !== 'source') return this.#named(place, request, anew);
    const known = anew ? undefined : await this.#fetching.known(place, request);
    if (known !== undefined) return known;
    if (request.asItIs === true) throw notThere(`'${printable(place.source.path, 400)}' was not imported yet`, 'tsrun import unpacks it into the store');
    return this.#fetching.importUnnamed(place, request);
  }

  async #named(place: Exclude<StoredPlace, SourcePlace>, request: ResolveRequest, anew: boolean): Promise<ImageRecord> {
    const { pull = 'missing', platform, asItIs = false } = request;
    // What has a digest is the same tomorrow.
    const isAsked = anew || (pull === 'always' && place.reference?.digest === undefined);
    // One that is damaged is an error: a registry may have another image of that name, or shall not hear of it.
    const found = isAsked ? undefined : (await findImage(this.#store.catalog, place))?.image;
    if (found !== undefined && suits(found, platform)) return found;
    const what = `there is no image '${printable(nameOf(place), 400)}' in the store${found === undefined ? '' : ` for ${printable(platform ?? '')}`}`;
    if (place.reference === undefined) throw notThere(what, 'tsrun images lists them');
    if (asItIs) throw notThere(`${what}, and it is not fetched for a look`, 'tsrun pull fetches it');
    if (pull === 'never') throw notThere(what, 'let it be fetched, or fetch it: tsrun pull');
    if (place.kind !== 'name') return (await this.#fetching.pull(place.reference, request)).record;
    try {
      return (await this.#fetching.pull(place.text, request)).record;
    } catch (error) {
      throw isAsked ? error : foundNowhere(place.text, error, await hintOfPath(place.text));
    }
  }
}

/** Whoever meant a file hears first that there is none. */
function foundNowhere(text: string, error: unknown, pathHint: string | undefined): unknown {
  if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_REGISTRY') return error;
  const isLikePath = /\.(?:tar|tgz|gz|zst|xz|bz2|img|slug)$/.test(text);
  const hint = isLikePath ? 'it looks like the path of a file: check that, and the working directory' : (pathHint ?? error.hint);
  return new TsrunError('ERR_TSRUN_REGISTRY', `there is no file or folder '${printable(text, 400)}', no image of that name in the store, and none from a registry: ${error.message}`, { hint, cause: error });
}

function notThere(message: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', message, { hint });
}

/** @param upper mostly a slug, which alone has no program to run it with */
function stacked(upper: ResolvedImage, lower: ResolvedImage): ResolvedImage {
  const nothing: ImageConfig = { ...hostPlatform(), rootfs: { type: 'layers', diff_ids: [] } };
  const layers = [...(upper.lowerLayers ?? []), lower.rootPath, ...(lower.lowerLayers ?? [])];
  const highestId = Math.max(upper.highestId ?? 0, lower.highestId ?? 0);
  return { ...upper, ...(highestId > 0 && { highestId }), lowerLayers: layers, ...(lower.digest !== undefined && { stackDigest: lower.digest }), config: mergeConfigs(lower.config ?? nothing, upper.config ?? nothing) };
}
