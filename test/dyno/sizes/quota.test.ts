import test from 'ava';
import { lostStatus } from '../../../src/container/state/exit-status.js';
import type { MemoryUse } from '../../../src/dyno/metrics/sample.js';
import { oomLines, overQuota, quotaLines, type QuotaCode } from '../../../src/dyno/sizes/quota.js';
import { dynoSizes } from '../../../src/dyno/sizes/sizes.js';


const mebibyte = 2 ** 20;
const { 'standard-1x': standard, 'private-s': isolated } = dynoSizes;

/** In mebibytes. */
function use(rss: number, cache: number, swap: number): MemoryUse {
  return { totalBytes: (rss + cache + swap) * mebibyte, rssBytes: rss * mebibyte, cacheBytes: cache * mebibyte, swapBytes: swap * mebibyte };
}

test('B3: R14 counts page cache and swap, R15 no page cache, and neither comes at the very quota', (t) => {
  const rows: [use: MemoryUse, code: QuotaCode | undefined][] = [
    [use(512, 0, 0), undefined],
    [use(512, 0, 0.5), 'R14'],
    [use(100, 413, 0), 'R14'],
    [use(100, 5000, 0), 'R14'],
    [use(800, 500, 224), 'R14'],
    [use(800, 0, 224.5), 'R15'],
    [use(1025, 0, 0), 'R15'],
  ];
  for (const [memory, code] of rows) t.is(overQuota(memory, standard), code, JSON.stringify(memory));
  t.is(overQuota(use(900, 500, 0), isolated), undefined, 'a size without swap has no R14');
  t.is(overQuota(use(1025, 0, 0), isolated), 'R15');
});

test('lines of R14 and R15 as logs in the field have them', (t) => {
  const said = (megabytes: number) => quotaLines('R14', megabytes * mebibyte, standard)[0];
  t.is(said(627.97), 'Process running mem=627M(122.7%)');
  t.is(said(1210.76), 'Process running mem=1210M(236.5%)');
  t.deepEqual(quotaLines('R14', 529 * mebibyte, standard), ['Process running mem=529M(103.3%)', 'Error R14 (Memory quota exceeded)']);
  t.deepEqual(quotaLines('R15', 1029 * mebibyte, standard), ['Process running mem=1029M(201.0%)', 'Error R15 (Memory quota vastly exceeded)']);
});

test('who the kernel has ended at the hard limit was over the quota, and nobody else', (t) => {
  const status = { ...lostStatus(), usage: { ...lostStatus().usage, memoryPeakBytes: 1024 * mebibyte } };
  t.deepEqual(oomLines({ cause: 'oom', code: 137, status, oomKills: 1 }, standard), ['Process running mem=1024M(200.0%)', 'Error R15 (Memory quota vastly exceeded)']);
  t.deepEqual(oomLines({ cause: 'oom', code: 137, oomKills: 1 }, standard)[0], 'Process running mem=1024M(200.0%)');
  t.deepEqual(oomLines({ cause: 'exit', code: 1, status, oomKills: 1 }, standard), []);
});
