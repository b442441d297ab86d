/** The images of a store without a launcher: what only reads it needs no namespaces, and no rights to make any. */
import { loadNative, type NativeFiles } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import type { ImageLibrary } from '../image/image-types.js';
import { TsrunError } from '../spec/errors.js';
import { librarySurroundings } from './image-library/surroundings.js';
import { Images } from './images.js';
import { validateRuntimeOptions } from './options/validate-calls.js';
import type { RuntimeOptions } from './runtime-options.js';
import { defaultImageRoot } from './state/image-root.js';
import { StateRoot, stateRootToBe } from './state/state-root.js';

/** What of `ImageLibrary` can be had without a runtime. */
export type StoredImages = Pick<ImageLibrary, 'list' | 'damaged' | 'inspect' | 'changes' | 'tag'>;

/** Never asked: nothing is fetched or removed. */
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

/**
 * The images of a store for who starts nothing: no launcher is needed, and an ordinary user no subordinate ids.
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
  return imagesToLookAt({ imageRoot: options.imageRoot ?? defaultImageRoot(host.uid, process.env), root: new StateRoot(stateRootToBe(host.uid)), native, host });
}
