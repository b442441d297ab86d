/**
 * What an import needs and no image names yet: a file in `tmp/` that lists it, locked for as long as its process works on it. So that
 * a `prune` need not wait for an import's end.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { TsrunError } from '../../spec/errors.js';
import { storeError } from './faults.js';
import { isStillAt, type Lock, type LockCalls } from './locks.js';
import type { StoreParts } from './store-parts.js';

export const pinPrefix = 'pin-';
const mostTries = 16;

/** The lock that is held shared for a moment by who begins or ends something, and alone by who takes away. */
export const useLock = 'use';

type PinParts = Pick<StoreParts, 'layout' | 'calls' | 'locks'>;

/** Blobs and layers, by digest and key, that are not to go until it is released. */
export async function pin({ layout, calls, locks }: PinParts, digests: Iterable<string>, signal?: AbortSignal): Promise<Lock> {
  // Whoever looks for pins holds it alone: not now.
  const use = await locks.shared(useLock, signal);
  const content = [...digests].join('\n');
  try {
    for (let tries = 0; tries < mostTries; tries++) {
      const pinned = await tryPin(layout.temporary(`${pinPrefix}${randomBytes(8).toString('hex')}`), calls, content);
      if (pinned !== undefined) return pinned;
    }
    throw new TsrunError('ERR_TSRUN_STORE', 'files of the image store that were just made are gone again', { hint: 'does something remove files there?' });
  } catch (cause) {
    throw await storeError(layout.temporaries, cause);
  } finally {
    await use.release();
  }
}

/** Undefined when, between being made and being locked, it was taken for one that was left. */
async function tryPin(path: string, calls: LockCalls, content: string): Promise<Lock | undefined> {
  const file = await open(path, 'wx', 0o600);
  const release = async () => {
    await rm(path, { force: true }).catch(() => undefined);
    await file.close().catch(() => undefined);
  };
  try {
    if (calls.tryLock(file.fd, true) && (await isStillAt(path, file))) {
      await file.writeFile(content);
      return { release };
    }
  } catch (cause) {
    await release();
    throw cause;
  }
  await release();
  return undefined;
}

/** What live processes have pinned; pins of dead ones are removed. To be asked under the lock `use`, held alone. */
export async function pinned({ layout, calls }: PinParts): Promise<ReadonlySet<string>> {
  const digests = new Set<string>();
  for (const name of (await readdir(layout.temporaries)).filter((each) => each.startsWith(pinPrefix))) {
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
