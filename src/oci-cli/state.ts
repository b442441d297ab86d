/**
 * What is known of a container between commands: one folder each, `state.json` in it, and the FIFO that it waits at until it is
 * started. The record is written before anything else is made, so that whoever finds it can undo what was begun.
 */
import { systemReader } from '../host/reader.js';
import { errnoName } from '../spec/errno.js';
import type { JsonValue } from '../spec/json.js';
import type { Hooks } from '../spec/types.js';
import { strictJson } from './json-input.js';
import { jsonText } from './json-text.js';
import { asNode, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from './platform/fs.js';
import { noticeFolder } from './notices.js';
import { host } from './platform/host.js';
import { lives, nameProcess, type ProcessName } from './processes.js';
import type { ResctrlGroup } from './resctrl.js';
import { RuntimeError } from './runtime-error.js';

const recordVersion = 1;
const mostRecordBytes = 16 * 1024 * 1024;

export interface ContainerRecord {
  readonly version: typeof recordVersion;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly owner: string;
  readonly bootId: string;
  /** Absolute path of its cgroup; empty without one. */
  readonly cgroup: string;
  /** systemd's, which holds the cgroup; none where the cgroup was made by writing to the tree. */
  readonly unit?: string | undefined;
  /** Once it waits to be started. */
  readonly init?: ProcessName | undefined;
  /** Those of the spec. */
  readonly hooks?: Hooks | undefined;
  /** Which steps of the plan are hooks that `start` has run. */
  readonly startHooks?: { readonly first: number; readonly count: number } | undefined;
  /** Of resctrl. */
  readonly resctrl?: ResctrlGroup | undefined;
  /** `--no-new-keyring`: further processes get none either. */
  readonly keepsKeyring?: true;
  /** config.json, as it was when the container was made. */
  readonly spec: JsonValue;
}

const startName = 'exec.fifo';
const reportName = 'started.fifo';
const recordName = 'state.json';
const lockName = 'lock';
/** No process began then. */
const never = -1;

function checkId(id: string): void {
  if (!/^[A-Za-z0-9_+.-]{1,1024}$/.test(id) || id === '.' || id === '..') throw new RuntimeError(`invalid container ID format: ${JSON.stringify(id)}`);
}

export class StateFolder {
  readonly root: string;
  readonly path: string;
  readonly id: string;
  #lock: number | undefined;

  constructor(root: string, id: string) {
    checkId(id);
    this.root = root;
    this.id = id;
    this.path = `${root}/${id}`;
  }

  /** By which the first process is told to go on; there until then. */
  get fifo(): string {
    return `${this.path}/${startName}`;
  }

  /** By which it tells what then fails. */
  get report(): string {
    return `${this.path}/${reportName}`;
  }

  /** One that is there, locked. @throws RuntimeError where there is none */
  static take(root: string, id: string): { readonly folder: StateFolder; readonly record: ContainerRecord } {
    const folder = new StateFolder(root, id);
    folder.lock();
    return { folder, record: folder.read() };
  }

  /** The folder with its intent, whole or not at all; it is locked until this process ends. */
  static make(root: string, record: ContainerRecord): StateFolder {
    const folder = new StateFolder(root, record.id);
    mkdirSync(root, { recursive: true, mode: 0o700 });
    if (existsSync(folder.path)) throw taken(record.id);
    clearDrafts(root, record.id);
    const draft = draftPath(root, record.id);
    mkdirSync(draft, 0o700);
    try {
      for (const name of [startName, reportName]) {
        asNode(draft, () => {
          host.makeFifo(`${draft}/${name}`, 0o600);
        });
      }
      writeFileSync(`${draft}/${recordName}`, jsonText(record));
      folder.#lock = lock(draft);
      asNode(folder.path, () => {
        host.rename(draft, folder.path);
      });
    } catch (error) {
      removeFolder(draft);
      // A folder takes the place of an empty one alone, and none of these is (rename(2)).
      throw ['EEXIST', 'ENOTEMPTY'].includes(errnoName(error) ?? '') ? taken(record.id) : error;
    }
    return folder;
  }

  /** @throws RuntimeError where there is none */
  read(): ContainerRecord {
    try {
      const value = strictJson(asNode(this.path, () => host.readFile(`${this.path}/${recordName}`, mostRecordBytes)), this.path);
      if (isRecord(value)) return asOfThisBoot(value);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
      throw new RuntimeError('container does not exist');
    }
    throw new RuntimeError(`${this.path}/${recordName} was written by another version of tsrun-oci`);
  }

  write(record: ContainerRecord): void {
    const draft = `${this.path}/.${recordName}`;
    writeFileSync(draft, jsonText(record));
    asNode(this.path, () => {
      host.rename(draft, `${this.path}/${recordName}`);
    });
  }

  /** Waits until no other command works at the container; the lock goes with this process. */
  lock(): void {
    for (;;) {
      const before = inodeOf(this.path);
      this.#lock = lock(this.path);
      // It may have been removed, and made again, meanwhile.
      if (inodeOf(this.path) === before) return;
      this.unlock();
    }
  }

  unlock(): void {
    if (this.#lock !== undefined) host.close(this.#lock);
    this.#lock = undefined;
  }

  /** In one step for whoever looks; what a process that is killed in the middle leaves is no container. */
  remove(): void {
    const draft = draftPath(this.root, this.id);
    asNode(this.path, () => {
      host.rename(this.path, draft);
    });
    removeFolder(draft);
  }
}

/** A folder of this process alone. */
function draftPath(root: string, id: string): string {
  const { pid, startTicks } = nameProcess(host.ids().pid);
  return `${root}/.${id}-${pid}-${startTicks}`;
}

/** Of commands that were killed before the container had its name, or when it had it no more: nothing else is there then. */
export function clearDrafts(root: string, id: string): void {
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    const [pid = 0, startTicks = 0] = name.startsWith(`.${id}-`) ? name.slice(id.length + 2).split('-').map(Number) : [];
    if (pid > 0 && !lives({ pid, startTicks })) removeFolder(`${root}/${name}`);
  }
}

function lock(folder: string): number {
  try {
    const file = asNode(folder, () => host.open(`${folder}/${lockName}`, constants.O_RDWR | constants.O_CREAT, 0o600));
    host.lock(file, true);
    return file;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw new RuntimeError('container does not exist');
    throw error;
  }
}

function inodeOf(path: string): number {
  try {
    return host.stat(path, false).ino;
  } catch {
    throw new RuntimeError('container does not exist');
  }
}

function removeFolder(path: string): void {
  for (const name of readdirSync(path)) {
    // All others are files.
    if (name === noticeFolder) removeFolder(`${path}/${name}`);
    else {
      asNode(path, () => {
        host.unlink(`${path}/${name}`);
      });
    }
  }
  asNode(path, () => {
    host.removeFolder(path);
  });
}

function taken(id: string): RuntimeError {
  return new RuntimeError(`container with given ID already exists: ${id}`);
}

export function containerIds(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith('.')).sort() : [];
}

export function bootId(): string {
  return systemReader.read('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** Of an earlier boot nothing but the folder is left, where that is on a disk: its pid, its cgroup and its group of resctrl are strangers' now. */
function asOfThisBoot(record: ContainerRecord): ContainerRecord {
  if (record.bootId === bootId()) return record;
  const { init } = record;
  return { ...record, cgroup: '', unit: undefined, resctrl: undefined, init: init === undefined ? undefined : { ...init, startTicks: never } };
}

function isRecord(value: unknown): value is ContainerRecord {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === recordVersion && 'id' in value && 'cgroup' in value && 'spec' in value;
}
