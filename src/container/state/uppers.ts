/**
 * Upper layers that lie on disk, in `uppers/` of the image root. The launcher makes and removes them; what it cannot remove, since it was
 * killed or the container was to be kept, is removed here. The state root shows in the name: others have their uppers beside these.
 */
import { closeSync, constants, mkdirSync, openSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { opendir, rename, rmdir, unlink } from '../../host/files.js';
import type { Addon } from '../../engine/addon.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import type { DiskUpper, Extensions } from '../../spec/extensions.js';
import type { StateRoot } from './state-root.js';

export function uppersOf(imageRoot: string): string {
  return join(imageRoot, 'uppers');
}

/** @throws ERR_TSRUN_HOST */
export function makeUppersFolder(uppers: string): void {
  try {
    mkdirSync(uppers, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_HOST', `the folder '${uppers}' for writes to disk cannot be made: ${errnoName(cause) ?? String(cause)}`, { field: '/rootStorage', hint: 'choose another with TSRUN_IMAGES, or leave writes in memory', cause });
  }
}

/** @param suffix eight hexadecimal digits, never the same twice */
export function newUpper(uppers: string, stateRoot: string, id: string, suffix: string): DiskUpper {
  // The upper half of project ids: people and other tools count from below.
  const project = 0x8000_0000 + (Number.parseInt(suffix, 16) % 0x7fff_fffe);
  return { folder: join(uppers, `${prefixOf(stateRoot)}${id}-${suffix}`), project };
}

/** FNV-1a: paths of folders have no enemies, and Node's crypto is dear. */
function prefixOf(stateRoot: string): string {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of Buffer.from(stateRoot)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return `${hash.toString(16).padStart(16, '0')}-`;
}

/** Of a record. */
export function upperOf({ root }: Extensions): DiskUpper | undefined {
  return root?.kind === 'disposable' ? root.disk : undefined;
}

/** A file in the folder of an upper, which is held while somebody uses the root of a container that has ended. */
export const upperLock = 'lock';

/** Keeps others from an upper for a moment; undefined when somebody uses it. An upper that is not there is nobody's. */
export function tryHoldUpper({ folder }: DiskUpper, addon: Pick<Addon, 'tryLock'>): (() => void) | undefined {
  let fd: number;
  try {
    fd = openSync(join(folder, upperLock), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return () => undefined;
    throw error;
  }
  if (addon.tryLock(fd, true)) return () => { closeSync(fd); };
  closeSync(fd);
  return undefined;
}

type Projects = Pick<Addon, 'forgetProject'>;

/** Removes an upper layer, as far as it is there and the caller may. */
export async function removeUpper({ folder, project }: DiskUpper, addon: Projects): Promise<void> {
  try {
    await removeTree(folder);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
  addon.forgetProject(join(folder, '..'), project);
}

/** Those of containers of this state root that are no more. Gives the ids of the containers. */
export async function removeOrphans(uppers: string, root: StateRoot, addon: Projects): Promise<string[]> {
  const prefix = prefixOf(root.path);
  // Before the records: one that is made meanwhile had its record first.
  const names = uppersIn(uppers).filter((name) => name.startsWith(prefix));
  const removed: string[] = [];
  for (const name of names) {
    const id = name.slice(prefix.length, -'-12345678'.length);
    if (mayBeNeeded(root, id, name)) continue;
    await removeUpper(newUpper(uppers, root.path, id, name.slice(-8)), addon).catch(() => undefined);
    removed.push(id);
  }
  return removed;
}

/** Whenever a state root is opened: not by way of the thread pool, whose threads would be made for that. */
function uppersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Of a record that cannot be read nobody knows. */
function mayBeNeeded(root: StateRoot, id: string, name: string): boolean {
  if (!root.ids().includes(id)) return false;
  try {
    const record = root.read(id);
    return record === undefined || basename(upperOf(record.extensions)?.folder ?? '') === name;
  } catch {
    return true;
  }
}

/** A tree of any depth, which a container may have made: what lies two folders down is moved up, so that no path is longer than these. */
async function removeTree(top: string): Promise<void> {
  let moved = 0;
  const moveUp = async (path: string): Promise<void> => {
    for (;;) {
      const fresh = join(top, `moved-${process.pid}-${++moved}`);
      try {
        await rename(path, fresh);
        return;
      } catch (error) {
        if (errnoName(error) !== 'EEXIST' && errnoName(error) !== 'ENOTEMPTY') throw error;
      }
    }
  };
  const clear = async (folder: string, onFolder: (path: string) => Promise<void>): Promise<void> => {
    do {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name);
        await (entry.isDirectory() ? onFolder(path) : unlink(path));
      }
    } while (!(await isGone(folder)));
  };
  await clear(top, async (folder) => clear(folder, moveUp));
}

/** What was moved while a folder was read may have hidden an entry of it. */
async function isGone(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}
