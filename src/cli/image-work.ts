/** What the commands about images share. */
import { storedImages, TsrunError, type ImageLibrary, type ImageWork, type StoredImages } from '../index.js';
import { runtimeOptions, withRuntime } from './containers.js';
import { interruptible } from './interruption.js';
import type { Invocation } from './invocation.js';
import { openProgress } from './progress.js';

export async function withImages<T>(invocation: Invocation, work: (images: ImageLibrary) => Promise<T>): Promise<T> {
  return withRuntime((runtime) => work(runtime.images), invocation.flags);
}

/** For commands that only read: nothing is started, unless what they name has to be taken into the store first. */
export async function withStoredImages<T>(invocation: Invocation, work: (images: StoredImages) => Promise<T>): Promise<T> {
  try {
    return await work(storedImages(runtimeOptions(invocation.flags)));
  } catch (error) {
    if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_STATE') throw error;
    return withImages(invocation, work);
  }
}

/** Shows how far it is until it is done; ctrl-c gives it up. */
export async function follow<Result>({ stderr, env, flags }: Pick<Invocation, 'stderr' | 'env' | 'flags'>, start: (signal: AbortSignal) => ImageWork<Result>): Promise<Result> {
  return interruptible(async (signal) => {
    const progress = openProgress(stderr, env, flags.quiet === true);
    try {
      const work = start(signal);
      for await (const each of work) progress.update(each);
      return await work.done;
    } finally {
      progress.close();
    }
  });
}
