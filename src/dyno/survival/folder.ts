/** The folder of a formation in the state root: what another process needs to take over its dynos. One process at a time owns it. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../../container/state/places.js';
import { readStateFile } from '../../container/state/state-files.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';

export class FormationFolder {
  readonly name: string;
  readonly path: string;
  readonly #lockFd: number;
  #isHeld = true;

  private constructor(name: string, path: string, lockFd: number) {
    this.name = name;
    this.path = path;
    this.#lockFd = lockFd;
  }

  /** @throws ERR_TSRUN_EXISTS for a name that is taken */
  static make(places: Places, name: string): FormationFolder {
    const path = places.root.formationPath(name);
    try {
      mkdirSync(places.root.formationsPath, { recursive: true, mode: 0o700 });
      mkdirSync(path, { mode: 0o700 });
    } catch (cause) {
      if (errnoName(cause) !== 'EEXIST') throw cause;
      throw new TsrunError('ERR_TSRUN_EXISTS', `there is a formation ${show(name)} already`, { cause, hint: 'choose another name, stop it, or adopt it' });
    }
    return FormationFolder.#hold(places, name, path);
  }

  /** @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE while another process owns it */
  static take(places: Places, name: string): FormationFolder {
    return FormationFolder.#hold(places, name, places.root.formationPath(name));
  }

  static #hold({ native: { addon } }: Places, name: string, path: string): FormationFolder {
    let fd: number;
    try {
      fd = openSync(join(path, 'lock'), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') throw notFound(name, cause);
      throw cause;
    }
    const isHeld = addon.tryLock(fd, true);
    // Whoever held it may have removed it while it was being opened.
    if (isHeld && statSync(join(path, 'lock'), { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return new FormationFolder(name, path, fd);
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

  /** Nobody finds it any more. */
  end(): void {
    rmSync(this.path, { recursive: true, force: true });
    this.leave();
  }
}

function notFound(name: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no formation ${show(name)} that outlives its process`, { cause, hint: 'tsrun ps lists the containers of all others; start it with survive, or tsrun up --detach' });
}
