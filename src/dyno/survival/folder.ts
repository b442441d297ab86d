/** The folder of a formation in the state root: what another process needs to take over its dynos. One process at a time owns it. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formationLock } from '../../container/state/formation-folders.js';
import type { Places } from '../../container/state/places.js';
import type { StateRoot } from '../../container/state/state-root.js';
import { readStateFile } from '../../container/state/state-files.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';

const lockFlags = constants.O_RDWR | constants.O_NOFOLLOW;

/** What rename(2) says where there is another folder, which is not empty, or anything else. */
const taken: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR']);

export class FormationFolder {
  readonly name: string;
  readonly path: string;
  readonly #root: StateRoot;
  readonly #lockFd: number;
  #isHeld = true;

  private constructor(root: StateRoot, name: string, lockFd: number) {
    [this.#root, this.name, this.#lockFd] = [root, name, lockFd];
    this.path = root.formationPath(name);
  }

  /**
   * With its first file, or not at all: a name that somebody was killed before he could use is free.
   *
   * @throws ERR_TSRUN_EXISTS for a name that is taken
   */
  static make(places: Places, name: string, first: { readonly file: string; readonly text: string }): FormationFolder {
    const { root, native: { addon } } = places;
    const [path, temporary] = [root.formationPath(name), root.temporaryFormationPath()];
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    const fd = openSync(join(temporary, formationLock), lockFlags | constants.O_CREAT, 0o600);
    try {
      addon.tryLock(fd, true);
      writeFileSync(join(temporary, first.file), first.text, { mode: 0o600 });
      // An empty folder is replaced (rename(2)).
      renameSync(temporary, path);
      return new FormationFolder(root, name, fd);
    } catch (cause) {
      closeSync(fd);
      rmSync(temporary, { recursive: true, force: true });
      if (!taken.has(errnoName(cause) ?? '')) throw cause;
      throw new TsrunError('ERR_TSRUN_EXISTS', `there is a formation ${show(name)} already`, { cause, hint: 'choose another name, stop it, or adopt it' });
    }
  }

  /** @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE while another process owns it */
  static take({ root, native: { addon } }: Places, name: string): FormationFolder {
    const lock = join(root.formationPath(name), formationLock);
    let fd: number;
    try {
      fd = openSync(lock, lockFlags);
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') throw notFound(name, cause);
      throw cause;
    }
    const isHeld = addon.tryLock(fd, true);
    // Whoever held it may have removed it while it was being opened.
    if (isHeld && statSync(lock, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return new FormationFolder(root, name, fd);
    closeSync(fd);
    if (isHeld) throw notFound(name);
    throw new TsrunError('ERR_TSRUN_STATE', `the formation ${show(name)} belongs to another process, which lives`, { hint: 'end that process, or have it leave the formation; dynos live on' });
  }

  /** Whole or not at all: who reads it has the old or the new. By then another process may own it: nothing is done. */
  write(file: string, text: string): void {
    if (!this.#isHeld) return;
    const temporary = join(this.path, `.${file.replace('/', '.')}`);
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, join(this.path, file));
  }

  /** Undefined where there is none. */
  read(file: string): string | undefined {
    return readStateFile(join(this.path, file), this.name)?.toString();
  }

  makeFolder(name: string): void {
    mkdirSync(join(this.path, name), { recursive: true, mode: 0o700 });
  }

  names(folder: string): readonly string[] {
    return readdirSync(join(this.path, folder));
  }

  remove(file: string): void {
    if (this.#isHeld) rmSync(join(this.path, file), { force: true });
  }

  /** Another process may own it from now on. */
  leave(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    closeSync(this.#lockFd);
  }

  /** Nobody finds it any more, at once. */
  end(): void {
    if (!this.#isHeld) return;
    const doomed = this.#root.temporaryFormationPath();
    try {
      renameSync(this.path, doomed);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    }
    rmSync(doomed, { recursive: true, force: true });
    this.leave();
  }
}

function notFound(name: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no formation ${show(name)} that outlives its process`, { cause, hint: 'tsrun ps lists the containers of all others; start it with survive, or tsrun up --detach' });
}
