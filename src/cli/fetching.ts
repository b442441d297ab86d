/** An image that has to be fetched before a start shows how far it is. */
import type { ImageProgress } from '../index.js';
import { closeOnSignal } from './interruption.js';
import type { Invocation } from './invocation.js';
import { openProgress, type Progress } from './progress.js';

/** `start` tells of what is fetched for it, if anything is. */
export async function showFetching<T>(invocation: Invocation, start: (onImageProgress: (each: ImageProgress) => void) => Promise<T>): Promise<T> {
  let shown: { readonly progress: Progress; readonly leave: () => void } | undefined;
  const onImageProgress = (each: ImageProgress) => {
    if (shown === undefined) {
      const { stderr, env, flags } = invocation;
      const progress = openProgress(stderr, env, flags.quiet === true || flags.json === true);
      shown = { progress, leave: closeOnSignal(progress) };
    }
    shown.progress.update(each);
  };
  try {
    return await start(onImageProgress);
  } finally {
    shown?.leave();
    shown?.progress.close();
  }
}
