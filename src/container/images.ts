/** The images of a store, as a runtime has them. Nothing of the store is loaded before it is asked for something. */
import { TsrunError } from '../spec/errors.js';
import type { DamagedImage, FetchedImage, ImageChanges, ImageDetails, ImageLibrary, ImageProgress, ImageSummary, ImageWork, ImportOptions, LookOptions, PullOptions, RemovedImages, ResolveImageOptions } from '../image/image-types.js';
import type { Library } from './image-library/library.js';
import type { LibrarySurroundings } from './image-library/surroundings.js';
import { validateImportOptions, validateLookOptions, validateNames, validateNamesOrStreams, validatePruneOptions, validatePullOptions, validateRemoveOptions, validateResolveOptions, validateSaveOptions } from './options/validate-images.js';

export class Images implements ImageLibrary {
  readonly #surroundings: () => LibrarySurroundings;
  readonly #closing = new AbortController();
  #library: Promise<Library> | undefined;

  /** @internal A runtime makes its own. */
  constructor(surroundings: () => LibrarySurroundings) {
    this.#surroundings = surroundings;
  }

  /** @internal For starts. */
  async library(): Promise<Library> {
    this.#library ??= import('./image-library/library.js').then((module) => new module.Library(this.#surroundings(), this.#closing.signal));
    return this.#library;
  }

  /** @internal Gives up what is under way; what a connection has brought stays, to be gone on with. @returns what to wait for, if anything */
  close(): Promise<void> | undefined {
    this.#closing.abort();
    return this.#library?.then(async (library) => library.settled()).catch(() => undefined);
  }

  /** @inheritdoc */
  pull(reference: string, options: PullOptions = {}): ImageWork<FetchedImage> {
    validateNames({ reference });
    validatePullOptions(options);
    return this.#work((library) => library.pull(reference, options));
  }

  /** @inheritdoc */
  import(source: string | NodeJS.ReadableStream, options: ImportOptions = {}): ImageWork<readonly FetchedImage[]> {
    validateNamesOrStreams({ source }, 'pipe');
    validateImportOptions(options);
    return this.#work((library) => library.import(source, options));
  }

  /** @inheritdoc */
  resolve(reference: string, options: ResolveImageOptions = {}): ImageWork<ImageSummary> {
    validateNames({ reference });
    validateResolveOptions(options);
    return this.#work((library) => library.ready(reference, options));
  }

  /** @inheritdoc */
  async list(): Promise<readonly ImageSummary[]> {
    return (await this.library()).list();
  }

  /** @inheritdoc */
  async damaged(): Promise<readonly DamagedImage[]> {
    return (await this.library()).damaged();
  }

  /** @inheritdoc */
  async inspect(reference: string, options: LookOptions = {}): Promise<ImageDetails> {
    validateNames({ reference });
    validateLookOptions(options);
    return (await this.library()).inspect(reference, options);
  }

  /** @inheritdoc */
  async changes(reference: string, options: LookOptions = {}): Promise<ImageChanges> {
    validateNames({ reference });
    validateLookOptions(options);
    return (await this.library()).changes(reference, options);
  }

  /** @inheritdoc */
  async tag(reference: string, name: string): Promise<void> {
    validateNames({ reference, name });
    await (await this.library()).tag(reference, name);
  }

  /** @inheritdoc */
  async remove(reference: string, options: { readonly force?: boolean } = {}): Promise<RemovedImages> {
    validateNames({ reference });
    validateRemoveOptions(options);
    return (await this.library()).remove(reference, options);
  }

  /** @inheritdoc */
  async prune(options: { readonly all?: boolean } = {}): Promise<RemovedImages> {
    validatePruneOptions(options);
    return (await this.library()).prune(options);
  }

  /** @inheritdoc */
  save(references: readonly string[], destination: string | NodeJS.WritableStream, options: { readonly format?: 'oci' | 'docker-archive'; readonly signal?: AbortSignal } = {}): ImageWork<void> {
    if (!Array.isArray(references) || references.length === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'argument /references: no image to save', { field: '/references', hint: 'name at least one' });
    for (const reference of references) validateNames({ reference });
    validateNamesOrStreams({ destination }, 'write');
    validateSaveOptions(options);
    return this.#work((library) => library.save(references, destination, options));
  }

  /** What the library begins, once it is loaded. */
  #work<Result>(begin: (library: Library) => ImageWork<Result>): ImageWork<Result> {
    const begun = this.library().then(begin);
    const done = begun.then(async (work) => work.done);
    // Who only watches is not to be killed by a promise that nobody looks at.
    done.catch(() => undefined);
    return {
      done,
      async *[Symbol.asyncIterator](): AsyncGenerator<ImageProgress, undefined> {
        yield* await begun;
      },
    };
  }
}
