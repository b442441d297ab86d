/**
 * What an import needs and no image names yet: a file in `tmp/` that lists it, locked for as long as its process works on it. So that
 * a `prune` need not wait for an import's end.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { TsrunError } from '../../spec/errors.js';
import { storeError } from './faults.js';
import type { Lock } from './locks.js';
import type { StoreParts } from './store-parts.js';

const prefix = 'pin-';

/** The lock that is held shared for a moment by who begins or ends something, and alone by who takes away. */
export const useLock = 'use';

type PinParts = Pick<StoreParts, 'layout' | 'calls' | 'locks'>;

/** Blobs and layers, by digest and key, that are not to go until it is released. */
export async function pin({ layout, calls, locks }: PinParts, digests: Iterable<string>, signal?: AbortSignal): Promise<Lock> {
  const use = await locks.shared(useLock, signal);
  const path = layout.temporary(`${prefix}${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    const release = async () => {
      await rm(path, { force: true }).catch(() => undefined);
      await file.close().catch(() => undefined);
    };
    try {
      // Whoever looks for pins holds the lock `use` alone: not now.
      if (!calls.tryLock(file.fd, true)) throw new TsrunError('ERR_TSRUN_STORE', 'a file of the image store that was just made is locked');
      await file.writeFile([...digests].join('\n'));
    } catch (cause) {
      await release();
      throw cause;
    }
    return { release };
  } catch (cause) {
    throw await storeError(path, cause);
  } finally {
    await use.release();
  }
}

/** What live processes have pinned; pins of dead ones are removed. To be asked under the lock `use`, held alone. */
export async function pinned({ layout, calls }: PinParts): Promise<ReadonlySet<string>> {
  const digests = new Set<string>();
  for (const name of (await readdir(layout.temporaries)).filter((each) => each.startsWith(prefix))) {
    const path = layout.temporary(name);
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined);
    if (file === undefined) continue;
    try {
      if (calls.tryLock(file.fd, true)) await rm(path, { force: true });
      else for (const digest of (await file.readFile('utf8')).split('\n')) digests.add(digest);
    } finally {
      await file.close();
    }
  }
  return digests;
}
