/**
 * What a start is given as its image: a folder that is run as it is, or whatever else, of which the store makes layers. For the former
 * nothing of the store is loaded.
 */
import { statSync } from 'node:fs';
import { withoutFile } from '../image/checksum.js';
import type { ResolvedImage } from '../image/resolved-image.js';
import { withoutStack } from './without-stack.js';
import { isUnchanged, type SeenFile } from './file-identity.js';
import { ImageCache } from './image-cache.js';
import type { Library } from './image-library/library.js';
import type { RunOptions } from './options/options.js';

export interface HeldImage {
  readonly image: ResolvedImage;
  /** Its layers may be removed from then on, unless a container's record names them. To be called once. */
  readonly release: () => void;
}

export type LoadLibrary = () => Promise<Library>;

interface Known {
  readonly image: ResolvedImage;
  /** Files whose change makes it another one. */
  readonly seen: readonly SeenFile[];
}

const mostImages = 256;

export class StartImages {
  readonly #folders = new ImageCache();
  readonly #stored = new Map<string, Known>();
  readonly #load: LoadLibrary;

  constructor(load: LoadLibrary) {
    this.#load = load;
  }

  /**
   * @param asItIs for a look: nothing is fetched or unpacked, and what is not there is an error
   * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_INVALID_SPEC, ERR_TSRUN_REGISTRY, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED
   */
  async resolve(reference: string, options: RunOptions, asItIs = false): Promise<HeldImage> {
    const image = this.#folders.known(reference) ?? (isFolder(reference) ? await this.#folders.find(reference) : undefined);
    if (image === undefined) return this.#resolveOther(reference, options, asItIs);
    if (options.stack !== undefined) throw withoutStack();
    if (options.checksum !== undefined) throw withoutFile(reference);
    return { image, release: () => undefined };
  }

  async #resolveOther(reference: string, options: RunOptions, asItIs: boolean): Promise<HeldImage> {
    const { pull, platform, stack, checksum, tlsVerify, authFile, imageLimits: limits, signal, onImageProgress } = options;
    const library = await this.#load();
    const key = JSON.stringify([reference, platform, stack, checksum]);
    const known = pull === 'always' ? undefined : this.#stored.get(key);
    if (known !== undefined) {
      const release = await library.use(signal);
      if (known.seen.every(isUnchanged)) return { image: known.image, release };
      release();
    }
    const tell = onImageProgress ?? (() => undefined);
    const { image, seen, release } = await library.resolve(reference, { pull, platform, stack, checksum, tlsVerify, authFile, limits, signal, tell, asItIs });
    if (this.#stored.size >= mostImages) this.#stored.clear();
    this.#stored.set(key, { image, seen });
    return { image, release };
  }
}

/** Quickly, for what most starts are given; what cannot be looked at is told of by who opens it. */
function isFolder(reference: string): boolean {
  try {
    return !reference.includes('\0') && statSync(reference, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}
