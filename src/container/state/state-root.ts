/**
 * The state root: `/run/tsrun` for root, `$XDG_RUNTIME_DIR/tsrun` for others. One folder a container, one socket a
 * launcher, one file an id range in use. It lies on a tmpfs, so nothing here is synced.
 */
import { renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { checkStateRoot, makeFolder } from './make-folder.js';
import { namesIn } from './names-in.js';
import { randomDigits } from './random.js';
import { readRecord, type ContainerRecord } from './record.js';
import { parsePid, parseRecord, readStateFile } from './state-files.js';

export function defaultStateRoot(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['TSRUN_ROOT'];
  if (chosen !== undefined && chosen !== '') {
    checkStateRoot(chosen, 'TSRUN_ROOT');
    return chosen;
  }
  if (uid === 0) return '/run/tsrun';
  const runtimeDirectory = env['XDG_RUNTIME_DIR'];
  if (runtimeDirectory !== undefined && runtimeDirectory !== '') {
    const path = join(runtimeDirectory, 'tsrun');
    checkStateRoot(path, 'XDG_RUNTIME_DIR');
    return path;
  }
  throw new TsrunError('ERR_TSRUN_HOST', 'there is no folder for runtime state', {
    hint: 'log in through a session manager, or set XDG_RUNTIME_DIR or TSRUN_ROOT to a folder of your own',
  });
}

/**
 * For who only looks: where nobody says, in the folder that a session manager makes.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT for one that is named and cannot be
 */
export function stateRootToLookAt(chosen?: string): StateRoot {
  if (chosen !== undefined) return new StateRoot(chosen);
  const uid = process.geteuid?.() ?? 0;
  try {
    return new StateRoot(defaultStateRoot(uid, process.env));
  } catch (error) {
    if (TsrunError.is(error) && error.code === 'ERR_TSRUN_HOST') return new StateRoot(sessionStateRoot(uid));
    throw error;
  }
}

/** For who only asks: somebody without a folder for runtime state cannot run, but can be told what would be. */
export function stateRootToBe(uid: number): string {
  try {
    return defaultStateRoot(uid, process.env);
  } catch {
    return sessionStateRoot(uid);
  }
}

function sessionStateRoot(uid: number): string {
  return `/run/user/${uid}/tsrun`;
}

/** Of what is being removed. An id has no such letter: this is not where another of the same name is being made. */
export const doomedSuffix = '~';

export class StateRoot {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Its folders, as far as they are not there. @throws ERR_TSRUN_HOST */
  make(): void {
    for (const folder of [this.path, this.containersPath, this.launchersPath, this.rangesPath]) makeFolder(folder);
  }

  get containersPath(): string {
    return join(this.path, 'containers');
  }

  get launchersPath(): string {
    return join(this.path, 'launchers');
  }

  get rangesPath(): string {
    return join(this.path, 'ranges');
  }

  get filtersPath(): string {
    return join(this.path, 'filters');
  }

  /** Of formations that outlive their process, one folder each; made when there is one. */
  get formationsPath(): string {
    return join(this.path, 'formations');
  }

  formationPath(name: string): string {
    return join(this.formationsPath, name);
  }

  /** Where the folder of a formation is made before it gets its name, and where it is removed: nothing half is ever found under a name. */
  temporaryFormationPath(): string {
    return join(this.formationsPath, `.${randomDigits(12)}`);
  }

  /** What is mounted on the host, and where nobody says where. */
  get mountsPath(): string {
    return join(this.path, 'mounts');
  }

  /** Interfaces on the host that containers have. */
  get linksPath(): string {
    return join(this.path, 'links');
  }

  /** A folder with nothing in it, for who needs a root and no files; made when it is asked for. */
  emptyFolder(): string {
    const path = join(this.path, 'empty');
    makeFolder(path);
    return path;
  }

  containerPath(id: string): string {
    return join(this.containersPath, id);
  }

  /** Where a record is made before it gets its name; the launcher in the name tells `gc` whose it is. */
  temporaryPath(launcherName: string, id: string): string {
    return join(this.containersPath, `.${launcherName}.${id}`);
  }

  /** Under a name that tells `gc` whose it was, so that nothing half removed is ever found under its own. */
  removeContainer({ id, launcher }: Pick<ContainerRecord, 'id' | 'launcher'>): void {
    const doomed = `${this.temporaryPath(launcher, id)}${doomedSuffix}`;
    rmSync(doomed, { recursive: true, force: true });
    try {
      renameSync(this.containerPath(id), doomed);
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return;
      throw error;
    }
    rmSync(doomed, { recursive: true, force: true });
  }

  launcherPath(name: string): string {
    return join(this.launchersPath, name);
  }

  /** Launchers that take, or took, connections. */
  launcherNames(): string[] {
    return namesIn(this.launchersPath).filter((name) => !name.startsWith('.'));
  }

  newLauncherName(): string {
    return randomDigits(12);
  }

  /** Names of the folders of containers, unfinished ones (with a leading dot) included. */
  entries(): string[] {
    return namesIn(this.containersPath);
  }

  ids(): string[] {
    return this.entries().filter((name) => !name.startsWith('.'));
  }

  /** The record of a container, or undefined when there is none (any more). @throws ERR_TSRUN_STATE when it is damaged */
  read(id: string): ContainerRecord | undefined {
    const path = join(this.containerPath(id), 'state.json');
    const text = readStateFile(path, id)?.toString();
    return text === undefined ? undefined : readRecord(parseRecord(text, path, id), path);
  }

  /** The pid of the first process, once it was born. @throws ERR_TSRUN_STATE when it cannot be one */
  readPid(id: string): number | undefined {
    const text = readStateFile(join(this.containerPath(id), 'pid'), id)?.toString();
    return text === undefined || text === '' ? undefined : parsePid(text, id);
  }

  /** When it ended, in milliseconds since the epoch. */
  endedAtMs(id: string): number | undefined {
    return statSync(join(this.containerPath(id), 'exit'), { throwIfNoEntry: false })?.mtimeMs;
  }

  /** How it ended, in the launcher's words (an encoded `exited` event). @throws ERR_TSRUN_STATE when it is damaged */
  readExit(id: string): Buffer | undefined {
    return readStateFile(join(this.containerPath(id), 'exit'), id);
  }
}
