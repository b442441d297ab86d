/**
 * Which ids are whose: every live container with a user namespace of its own has a range that no other has. A range is
 * taken by making a link in the state root that names the launcher; a runtime keeps what it took for its next container.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { containerPool, nextFreeRange, parseSubordinateIds, RANGE_SIZE, type IdRange } from '../../host/id-ranges.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { namesIn } from '../state/names-in.js';

export class IdRanges {
  readonly #folder: string;
  readonly #owner: string;
  readonly #pools: readonly IdRange[];
  readonly #free: IdRange[] = [];
  #closed = false;

  constructor(folder: string, owner: string, pools: readonly IdRange[] = [containerPool]) {
    this.#folder = folder;
    this.#owner = owner;
    this.#pools = pools;
  }

  take(): IdRange {
    return this.#free.pop() ?? this.#reserve();
  }

  giveBack(range: IdRange): void {
    this.#free.push(range);
    // A start that was under way when the runtime was closed.
    if (this.#closed) this.close();
  }

  /** Lets go of what no container of this runtime uses any more. */
  close(): void {
    this.#closed = true;
    for (const { start } of this.#free.splice(0)) remove(join(this.#folder, String(start)));
  }

  #reserve(): IdRange {
    const used = [...readdirSync(this.#folder).map((name) => ({ start: Number(name), size: RANGE_SIZE })), ...givenToUsers()];
    for (;;) {
      const range = nextFreeRange({ pools: this.#pools, used, key: `${this.#owner}${used.length}` });
      if (range === undefined) {
        throw new TsrunError('ERR_TSRUN_HOST', 'every range of user ids for containers is in use', {
          hint: 'end some containers, or run without a user namespace (--userns host)',
        });
      }
      if (reserve(join(this.#folder, String(range.start)), this.#owner)) return range;
      used.push(range);
    }
  }
}

/** Ids that belong to users of this host, whatever range they lie in. */
function givenToUsers(): IdRange[] {
  return ['/etc/subuid', '/etc/subgid'].filter((path) => existsSync(path)).flatMap((path) => parseSubordinateIds(readFileSync(path, 'utf8')).map(({ range }) => range));
}

/** A link, since its content comes into being with it: nobody can find a range that belongs to nobody yet. */
function reserve(path: string, owner: string): boolean {
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return false;
    throw error;
  }
}

/** As rmSync() with `force`, which takes half a millisecond when it is first called: each command ends with this. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
}

/** Removes the reservations of launchers that are gone, but for those (by their first id) that a live container uses. */
export function releaseRangesOf(folder: string, isAlive: (launcher: string) => boolean, used: ReadonlySet<number>): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    const owner = ownerOf(path);
    if (owner !== undefined && !used.has(Number(name)) && !isAlive(owner)) rmSync(path, { force: true });
  }
}

/** Undefined when another process has just removed it. */
function ownerOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
