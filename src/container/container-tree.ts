/**
 * The tree of a container, for the archiver: what a live one sees, also while it is paused, or the root that one has left that has ended.
 * Of an upper layer on disk only one at a time makes a mount, since two are undefined behaviour (overlayfs.rst, "Sharing and copying layers").
 */
import { stat } from 'node:fs/promises';
import type { Addon } from '../engine/addon.js';
import { Locks } from '../image/store/locks.js';
import { Namespaces } from '../plan/namespaces.js';
import { TsrunError } from '../spec/errors.js';
import type { DiskUpper } from '../spec/extensions.js';
import type { Place } from './archiver/run.js';
import type { Container } from './container.js';
import type { ContainerRecord } from './state/record.js';
import type { StateRoot } from './state/state-root.js';
import { readSummary } from './state/summary.js';
import { upperLock, upperOf } from './state/uppers.js';

/** What the archiver is given, and what it is of. `release` is to be called when no program of the archiver's uses it any more. */
export interface ContainerTree {
  readonly place: Place;
  readonly record: ContainerRecord;
  release(): Promise<void>;
}

export interface TreeSurroundings {
  readonly root: StateRoot;
  readonly addon: Pick<Addon, 'tryLock' | 'awaitLock'>;
  /** A connection to a live container, and how to leave it again. */
  readonly reach: (id: string) => Promise<{ readonly container: Container; readonly leave: () => void }>;
}

export interface TreeOptions {
  readonly write: boolean;
  /** Gives up waiting for others that use the same upper layer. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE where what it wrote is gone, or cannot be written to; ERR_TSRUN_UNSUPPORTED, ERR_TSRUN_ABORTED */
export async function openContainerTree(surroundings: TreeSurroundings, id: string, options: TreeOptions): Promise<ContainerTree> {
  const summary = readSummary(surroundings.root, id);
  if (summary === undefined) throw notFound(id);
  const { record, state } = summary;
  if (state === 'stopped') return leftTree(surroundings, record, options);
  try {
    const { container, leave } = await surroundings.reach(id);
    return { place: { container }, record, release: async () => Promise.resolve().then(leave) };
  } catch (error) {
    // It may have ended between the two, or be gone by now.
    if (readSummary(surroundings.root, id)?.state !== 'stopped') throw error;
    return leftTree(surroundings, record, options);
  }
}

function notFound(id: string): TsrunError {
  return new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container '${id}'`, { hint: 'tsrun ps -a lists them' });
}

async function leftTree(surroundings: TreeSurroundings, record: ContainerRecord, { write, signal }: TreeOptions): Promise<ContainerTree> {
  checkLeft(record, write);
  const upper = upperOf(record.extensions);
  const release = upper === undefined ? async () => Promise.resolve() : await holdUpper(surroundings, record, upper, signal);
  return { place: { left: record, readonly: !write }, record, release };
}

/** Until `release`; who removes the container finds it in use. */
async function holdUpper({ root, addon }: TreeSurroundings, record: ContainerRecord, { folder }: DiskUpper, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory() !== true) {
    throw new TsrunError('ERR_TSRUN_STATE', `what the container '${record.id}' wrote is gone: '${folder}' is not there`, { hint: `forget the container: tsrun rm ${record.id}` });
  }
  const lock = await new Locks(folder, addon).exclusiveOfShared(upperLock, signal);
  // Who had it before may have been removing the container.
  const now = readSummary(root, record.id)?.record;
  if (now?.createdAtMs === record.createdAtMs && now.cgroup === record.cgroup) return async () => lock.release();
  await lock.release();
  throw notFound(record.id);
}

function checkLeft({ id, spec, extensions }: ContainerRecord, write: boolean): void {
  const namespaces = new Namespaces(spec.linux, extensions.namespaceFds);
  if (!namespaces.isNew('mount')) throw unreadable(id, 'it had no mounts of its own', 'look into the folders of the host, or of the container that it joined');
  if (namespaces.isJoined('user')) throw unreadable(id, 'it was in a user namespace that it had joined, and whose ids are not known any more', 'look into it while it runs');
  const { root } = extensions;
  if (root?.kind === 'disposable' && root.disk === undefined) {
    throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' has ended, and what it wrote is gone, since that was in memory`, {
      hint: 'copy while it runs; or have its files stay until rm with --storage-opt type=disk (as root), or in its own folder with --writable',
    });
  }
  if (write && (root?.kind === 'read-only' || spec.root?.readonly === true)) throw readOnly(id);
}

function readOnly(id: string): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the root of the container '${id}' is read-only`, { hint: 'copy into one of its mounts while it runs' });
}

function unreadable(id: string, why: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', `the files of the container '${id}', which has ended, cannot be reached: ${why}`, { hint });
}
