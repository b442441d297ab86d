/** Some of many works at once, begun in their order. */

/** Ends when all have ended that were begun; then the first failure is thrown, of which `onFault` heard at once. */
export async function inParallel<T>(works: readonly (() => Promise<T>)[], atOnce: number, onFault: (cause: unknown) => void): Promise<T[]> {
  const results: T[] = [];
  const faults: unknown[] = [];
  const left = works.entries();
  const runOn = async () => {
    for (const [index, work] of left) {
      try {
        results[index] = await work();
      } catch (cause) {
        if (faults.push(cause) === 1) onFault(cause);
      }
      if (faults.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, works.length) }, runOn));
  if (faults.length > 0) throw faults[0];
  return results;
}
