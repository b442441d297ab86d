/**
 * Which ids are whose: every live container with a user namespace of its own has a range that no other has. A range is
 * taken by making a file in the state root that names the launcher; a runtime keeps what it took for its next container.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { containerPool, nextFreeRange, parseSubordinateIds, RANGE_SIZE, type IdRange } from '../host/id-ranges.js';
import { TsrunError } from '../spec/errors.js';

export class IdRanges {
  readonly #folder: string;
  readonly #owner: string;
  readonly #pools: readonly IdRange[];
  readonly #free: IdRange[] = [];

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
  }

  /** Lets go of what no container of this runtime uses any more. */
  close(): void {
    for (const { start } of this.#free.splice(0)) unlinkSync(join(this.#folder, String(start)));
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
      if (reserveFile(join(this.#folder, String(range.start)), this.#owner)) return range;
      used.push(range);
    }
  }
}

/** Ids that belong to users of this host, whatever range they lie in. */
function givenToUsers(): IdRange[] {
  return ['/etc/subuid', '/etc/subgid'].filter((path) => existsSync(path)).flatMap((path) => parseSubordinateIds(readFileSync(path, 'utf8')).map(({ range }) => range));
}

function reserveFile(path: string, owner: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, owner);
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the reservations of launchers that are gone, but for those (by their first id) that a live container uses. */
export function releaseRangesOf(folder: string, isAlive: (launcher: string) => boolean, used: ReadonlySet<number>): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!used.has(Number(name)) && !isAlive(readFileSync(path, 'utf8'))) unlinkSync(path);
  }
}
