/**
 * What is remembered of mounts, in the state root: written before anything is mounted, so that a later command finds what a killed one has
 * left. Until it is known that the mount stands, its maker holds a lock on the record's file.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Addon } from '../../engine/addon.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { parseJson } from '../../spec/json.js';
import { array, assertShape, integer, oneOf, optional, strictObject, text } from '../../spec/shape.js';
import { namesIn } from '../state/names-in.js';
import type { StateRoot } from '../state/state-root.js';
import { readStateFile } from '../state/state-files.js';
import type { HostMountSummary } from './mount-types.js';
import { parseMountTable, type MountEntry } from './mount-table.js';

export interface MountRecord extends HostMountSummary {
  readonly version: number;
  /** Folders of the host that it shows. */
  readonly layers: readonly string[];
  readonly bootId: string;
  /** The mount namespace that it is in (namespaces(7)). */
  readonly namespace: string;
  /** The kernel's; absent until it stands. */
  readonly mountId?: number;
}

const most = Number.MAX_SAFE_INTEGER;
const recordShape = strictObject<MountRecord>({
  version: integer(1, 1),
  id: text(),
  kind: oneOf('a kind of mount', ['image', 'container']),
  name: text(),
  digest: optional(text()),
  path: text(),
  createdAtMs: integer(0, most),
  layers: array(text()),
  bootId: text(),
  namespace: text(),
  mountId: optional(integer(0, most)),
});

type Locks = Pick<Addon, 'tryLock'>;

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/mnt');
}

/** The kernel's table of this process's mount namespace. */
export function ownMountTable(): MountEntry[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export class MountRecords {
  readonly #folder: string;
  readonly #locks: Locks;

  constructor({ mountsPath }: Pick<StateRoot, 'mountsPath'>, locks: Locks) {
    this.#folder = mountsPath;
    this.#locks = locks;
  }

  /** Where to mount, for who names no place: to be made when the record is there. */
  ownFolder(id: string): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return join(realpathSync(this.#folder), id);
  }

  /** Gives what lets go of the lock. */
  begin(record: MountRecord): () => void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const fd = this.#write(record);
    return () => { closeSync(fd); };
  }

  finish(record: MountRecord): void {
    closeSync(this.#write(record));
  }

  /** The folder that was made for it as well. */
  remove(id: string): void {
    try {
      rmdirSync(join(this.#folder, id));
    } catch (error) {
      const errno = errnoName(error) ?? '';
      // Somebody has put something there, or mounted it: that is not tsrun's.
      if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes(errno)) throw error;
    }
    rmSync(this.#file(id), { force: true });
  }

  /** The latest last. @throws ERR_TSRUN_STATE for one that is damaged */
  all(): MountRecord[] {
    return readMounts(this.#folder);
  }

  /** Removes what is left of mounts that stand no more. */
  collect(): void {
    for (const name of namesIn(this.#folder).filter((each) => each.startsWith('.'))) this.#isLocked(name, () => { rmSync(join(this.#folder, name), { force: true }); });
    const records = this.#sound();
    if (records.length === 0) return;
    const boot = bootId();
    const tables = new MountTables();
    const isOver = (record: MountRecord) => record.bootId !== boot || !(tables.has(record) || (record.mountId === undefined && this.#isLocked(`${record.id}.json`)));
    for (const record of records) if (isOver(record)) this.remove(record.id);
  }

  /** One that is damaged stays: nobody knows what it is of. */
  #sound(): MountRecord[] {
    return idsIn(this.#folder).flatMap((id) => {
      try {
        return readMount(this.#folder, id) ?? [];
      } catch (error) {
        if (TsrunError.is(error)) return [];
        throw error;
      }
    });
  }

  /** By who is making it; if not, `use` has it for a moment. */
  #isLocked(name: string, use: () => void = () => undefined): boolean {
    let fd: number;
    try {
      fd = openSync(join(this.#folder, name), constants.O_RDWR | constants.O_NOFOLLOW);
    } catch {
      return false;
    }
    try {
      const isFree = this.#locks.tryLock(fd, true);
      if (isFree) use();
      return !isFree;
    } finally {
      closeSync(fd);
    }
  }

  /** A collector may take the file for what a killed process left, until it is locked: then there is another try. */
  #write(record: MountRecord): number {
    const temporary = join(this.#folder, `.${record.id}`);
    const fd = openSync(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    if (!this.#locks.tryLock(fd, true) || fstatSync(fd).nlink === 0) {
      closeSync(fd);
      return this.#write(record);
    }
    writeSync(fd, JSON.stringify(record));
    renameSync(temporary, this.#file(record.id));
    return fd;
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

/** Of this mount namespace, and of others as far as a process is in them. */
export class MountTables {
  readonly #tables = new Map<string, readonly MountEntry[]>();

  has(record: MountRecord): boolean {
    return this.seen(record) !== undefined;
  }

  /** What is seen where it was mounted; undefined when it is not there. */
  seen({ path, namespace, mountId }: MountRecord): MountEntry | undefined {
    const there = this.#table(namespace).filter((entry) => entry.path === path);
    return there.some(({ id }) => mountId === undefined || id === mountId) ? there.at(-1) : undefined;
  }

  #table(namespace: string): readonly MountEntry[] {
    const table = this.#tables.get(namespace) ?? (namespace === ownNamespace() ? ownMountTable() : tableOf(namespace));
    this.#tables.set(namespace, table);
    return table;
  }
}

function tableOf(namespace: string): MountEntry[] {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) === namespace) return parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
    } catch {
      // It has ended, or is not to be looked at.
    }
  }
  return [];
}

/** @throws ERR_TSRUN_STATE for one that is damaged */
export function readMounts(folder: string): MountRecord[] {
  return idsIn(folder).flatMap((id) => readMount(folder, id) ?? []).sort((a, b) => a.createdAtMs - b.createdAtMs);
}

function readMount(folder: string, id: string): MountRecord | undefined {
  const path = join(folder, `${id}.json`);
  const bytes = readStateFile(path, id);
  if (bytes === undefined) return undefined;
  try {
    const value = parseJson(bytes.toString(), path);
    assertShape(recordShape, value, 'ERR_TSRUN_STATE', 'member');
    return value;
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_STATE', `the record '${path}' of a mount is damaged`, { hint: 'unmount what it is about with umount(8), and remove the file', cause });
  }
}

function idsIn(folder: string): string[] {
  return namesIn(folder).filter((name) => !name.startsWith('.') && name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
}
