/** A long piece of work: what comes of it, and how far it is for who cares to look. */
import type { ImageProgress, ImageWork } from '../image-types.js';

/** News of the same layer and stage replace each other until somebody takes them: nothing piles up. */
class Watcher implements AsyncIterator<ImageProgress> {
  readonly #news = new Map<string, ImageProgress>();
  #end: { readonly failure?: { readonly cause: unknown } } | undefined;
  #waiting: (() => void) | undefined;

  tell(progress: ImageProgress): void {
    this.#news.set(`${progress.stage} ${progress.digest ?? ''}`, progress);
    this.#wake();
  }

  /** @param failure of the work, which whoever watches is told once */
  end(failure?: { readonly cause: unknown }): void {
    this.#end ??= { ...(failure !== undefined && { failure }) };
    this.#wake();
  }

  async next(): Promise<IteratorResult<ImageProgress, undefined>> {
    for (;;) {
      for (const [key, value] of this.#news) {
        this.#news.delete(key);
        return { value, done: false };
      }
      if (this.#end !== undefined) {
        const { failure } = this.#end;
        this.#end = {};
        if (failure !== undefined) throw failure.cause;
        return { value: undefined, done: true };
      }
      await new Promise<void>((resolve) => { this.#waiting = resolve; });
    }
  }

  async return(): Promise<IteratorResult<ImageProgress, undefined>> {
    this.end();
    this.#news.clear();
    return Promise.resolve({ value: undefined, done: true });
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

export type Tell = (progress: ImageProgress) => void;

/** Begins at once. Iterating ends with the work, and throws what it fails with, as `done` rejects. */
export function startWork<Result>(body: (tell: Tell) => Promise<Result>): ImageWork<Result> {
  const watchers = new Set<Watcher>();
  let isOver = false;
  let failure: { readonly cause: unknown } | undefined;
  const tell = (progress: ImageProgress) => {
    for (const watcher of watchers) watcher.tell(progress);
  };
  const end = () => {
    isOver = true;
    for (const watcher of watchers) watcher.end(failure);
  };
  // Not before the caller had the chance to watch from the start.
  const done = Promise.resolve().then(async () => body(tell));
  // Who only watches is not to be killed by a promise that nobody looks at.
  void done.catch((cause: unknown) => { failure = { cause }; }).finally(end);
  return {
    done,
    [Symbol.asyncIterator]() {
      const watcher = new Watcher();
      if (isOver) watcher.end(failure);
      else watchers.add(watcher);
      return watcher;
    },
  };
}
