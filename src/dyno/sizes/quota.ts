/** R14 and R15: how much memory is too much, and the lines that say so (Dev Center, "Error codes", and logs in the field). */
import type { Death } from '../death.js';
import type { MemoryUse } from '../metrics/sample.js';
import { hardLimitBytes } from './size-limits.js';
import type { DynoSize } from './sizes.js';

/** Beyond its quota (R14), which is told and no more, or beyond what a dyno of this size may have at all (R15). */
export type QuotaCode = 'R14' | 'R15';

/**
 * R14 counts all that the dyno holds; R15 leaves out the page cache, which goes when others need the memory. A size whose quota is the
 * hard limit has no R14: nothing comes between the two.
 */
export function overQuota({ totalBytes, cacheBytes }: MemoryUse, size: DynoSize): QuotaCode | undefined {
  const hard = hardLimitBytes(size);
  if (totalBytes - cacheBytes > hard) return 'R15';
  return totalBytes > size.memoryBytes && hard > size.memoryBytes ? 'R14' : undefined;
}

export function quotaLines(code: QuotaCode, usedBytes: number, { memoryBytes }: DynoSize): string[] {
  const used = `${Math.floor(usedBytes / 2 ** 20)}M(${((usedBytes / memoryBytes) * 100).toFixed(1)}%)`;
  return [`Process running mem=${used}`, `Error ${code} (Memory quota ${code === 'R14' ? '' : 'vastly '}exceeded)`];
}

/** A dyno that the kernel has ended at its hard limit: it came before the sample that would have. */
export function oomLines({ cause, status }: Death, size: DynoSize): string[] {
  return cause === 'oom' ? quotaLines('R15', status?.usage.memoryPeakBytes ?? hardLimitBytes(size), size) : [];
}
