/** The images of a store without a launcher: what reads it, or takes away from it, needs no namespaces, and no rights to make any. */
import { lookAtBase } from '../cgroup/layout.js';
import { loadNative, type NativeFiles } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import type { ImageLibrary, RemovedImages } from '../image/image-types.js';
import { TsrunError } from '../spec/errors.js';
import { librarySurroundings } from './image-library/surroundings.js';
import { Images } from './images.js';
import { validateRuntimeOptions } from './options/validate-calls.js';
import type { Runtime } from './runtime.js';
import type { RuntimeOptions } from './runtime-options.js';
import { collectGarbage } from './state/garbage.js';
import { defaultImageRoot } from './state/image-root.js';
import { checkReadable } from './state/make-folder.js';
import { stateRootToLookAt, type StateRoot } from './state/state-root.js';

/** What of `ImageLibrary` can be had without a runtime. */
export type StoredImages = Pick<ImageLibrary, 'list' | 'damaged' | 'inspect' | 'changes' | 'tag' | 'remove' | 'prune'>;

/** Never asked: nothing is fetched. */
const nobodyUnpacks = async () => Promise.reject(new TsrunError('ERR_TSRUN_STATE', 'nothing is unpacked without a runtime'));

export interface LookingInput {
  readonly imageRoot: string;
  readonly root: StateRoot;
  readonly native: NativeFiles;
  readonly host: HostFacts;
}

/** For a look at what is there. */
export function imagesToLookAt(input: LookingInput): Images {
  return new Images(() => librarySurroundings({ ...input, archiver: nobodyUnpacks }));
}

class ImagesOfStore extends Images {
  readonly #input: LookingInput;

  constructor(input: LookingInput) {
    super(() => librarySurroundings({ ...input, archiver: nobodyUnpacks }));
    this.#input = input;
  }

  override async remove(reference: string, options: { readonly force?: boolean } = {}): Promise<RemovedImages> {
    return this.#removing(async (images) => images.remove(reference, options));
  }

  override async prune(options: { readonly all?: boolean } = {}): Promise<RemovedImages> {
    return this.#removing(async (images) => images.prune(options));
  }

  /** What dead launchers left uses images still, and is removed first. A runtime is opened for what belongs to subordinate ids alone. */
  async #removing(action: (images: Images) => Promise<RemovedImages>): Promise<RemovedImages> {
    const { root, native, host, imageRoot } = this.#input;
    checkReadable(root.path);
    await collectGarbage(root, native.addon, lookAtBase(host.cgroup), imageRoot);
    let opened: Promise<Runtime> | undefined;
    const runtime = async () => (opened ??= import('./runtime.js').then(async (module) => module.Runtime.open({ root: root.path, imageRoot })));
    try {
      return await action(new Images(() => librarySurroundings({ ...this.#input, archiver: async () => (await runtime()).archiver() })));
    } finally {
      await (await opened)?.close();
    }
  }
}

/**
 * The images of a store for who starts nothing: no launcher is needed, and an ordinary user no subordinate ids but to remove layers.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, `ERR_TSRUN_NATIVE_LOAD`; its methods as those of `Runtime.images`
 *
 * @example
 * import { storedImages } from 'tsrun';
 * for (const { names, digest } of await storedImages().list()) console.log(names, digest);
 */
export function storedImages(options: Pick<RuntimeOptions, 'imageRoot'> = {}): StoredImages {
  validateRuntimeOptions(options);
  const native = loadNative();
  const host = probeHost({ native: native.addon });
  return new ImagesOfStore({ imageRoot: options.imageRoot ?? defaultImageRoot(host.uid, process.env), root: stateRootToLookAt(), native, host });
}
