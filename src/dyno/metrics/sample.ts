/** What a dyno uses at a moment, and the lines that Heroku's log has of it. */
import type { MemoryStats } from '../../cgroup/stats.js';
import type { Load } from './load-average.js';

/** Memory in Heroku's words, in bytes. */
export interface MemoryUse {
  /** All of the following. */
  readonly totalBytes: number;
  /** The program's own: anonymous memory. */
  readonly rssBytes: number;
  /** Page cache, with shared memory. */
  readonly cacheBytes: number;
  /** Swapped out. */
  readonly swapBytes: number;
  /** Pages that came in and went out since the start, where the kernel counts them by cgroup. */
  readonly pages?: { readonly in: number; readonly out: number };
}

/** What a dyno uses at a moment. */
export interface DynoSample extends Load {
  /** Absent where the memory controller is not on cgroup v2. */
  readonly memory?: MemoryUse;
  /** Of its size. */
  readonly quotaBytes?: number;
}

/** cgroup v1, which Heroku's words come from, counted shared memory as cache; so does v2 (`file`). */
export function memoryUse({ stat, swapBytes = 0 }: MemoryStats): MemoryUse {
  const { anon: rssBytes = 0, file: cacheBytes = 0, pgpgin, pgpgout } = stat;
  const pages = pgpgin !== undefined && pgpgout !== undefined && { pages: { in: pgpgin, out: pgpgout } };
  return { totalBytes: rssBytes + cacheBytes + swapBytes, rssBytes, cacheBytes, swapBytes, ...pages };
}

/** `id` is what tells one start of the dyno from the next. */
export function sampleLines(name: string, id: string, { load1, load5, load15, memory, quotaBytes }: DynoSample): string[] {
  const head = `source=${name} dyno=${id}`;
  const load = `${head} sample#load_avg_1m=${load1.toFixed(2)} sample#load_avg_5m=${load5.toFixed(2)} sample#load_avg_15m=${load15.toFixed(2)}`;
  if (memory === undefined) return [load];
  const { totalBytes, rssBytes, cacheBytes, swapBytes, pages } = memory;
  const words = [
    `sample#memory_total=${megabytes(totalBytes)}`,
    `sample#memory_rss=${megabytes(rssBytes)}`,
    `sample#memory_cache=${megabytes(cacheBytes)}`,
    `sample#memory_swap=${megabytes(swapBytes)}`,
    ...(pages === undefined ? [] : [`sample#memory_pgpgin=${pages.in}pages`, `sample#memory_pgpgout=${pages.out}pages`]),
    ...(quotaBytes === undefined ? [] : [`sample#memory_quota=${megabytes(quotaBytes)}`]),
  ];
  return [load, `${head} ${words.join(' ')}`];
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)}MB`;
}
