/** Folders of formations that are being made or removed. Who does that holds the lock in it; a killed one's is garbage. */
import { closeSync, constants, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Addon } from '../../engine/addon.js';
import { namesIn } from './names-in.js';
import type { StateRoot } from './state-root.js';

/** Of a formation: who holds it owns that. */
export const formationLock = 'lock';

/** What a formation was started with, in its folder: without it that is none. */
export const definitionFile = 'formation.json';

/** One may just be being made, with a lock that is not held yet. */
const youngMs = 2000;

export function removeHalfFormations(root: StateRoot, addon: Pick<Addon, 'tryLock'>): void {
  for (const name of namesIn(root.formationsPath).filter((each) => each.startsWith('.'))) {
    const path = root.formationPath(name);
    const isYoung = (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > Date.now() - youngMs;
    if (!isYoung && !isHeld(path, addon)) rmSync(path, { recursive: true, force: true });
  }
}

function isHeld(path: string, addon: Pick<Addon, 'tryLock'>): boolean {
  let fd: number;
  try {
    fd = openSync(join(path, formationLock), constants.O_RDWR | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    return !addon.tryLock(fd, true);
  } finally {
    closeSync(fd);
  }
}
