import test from 'ava';
import type { OneOffOptions } from '../../../src/index.js';
import { runRelease } from '../../../src/dyno/one-off/release.js';

async function askedFor(...[choice, given]: [Parameters<typeof runRelease>[0], Parameters<typeof runRelease>[1]?]): Promise<OneOffOptions | undefined> {
  let asked: OneOffOptions | undefined;
  await runRelease(choice, given, async (options) => {
    asked = options;
    return Promise.resolve({ exited: Promise.resolve({ cause: 'exit', code: 0, oomKills: 0 }) });
  });
  return asked;
}

test('the release phase is run as its process type says: how it is ended, and how large it may become', async (t) => {
  t.deepEqual(await askedFor(true), { type: 'release', timeToLiveMs: 3_600_000 });
  const given = { stopSignal: 'SIGINT', graceMs: 5, size: 'performance-m' } as const;
  t.deepEqual(await askedFor({ timeoutMs: 10 }, given), { type: 'release', timeToLiveMs: 10, ...given });
});
