/** Ends and forgets a container of which nobody can be asked: its record cannot be read, or its launcher does not answer. */
import { statSync } from 'node:fs';
import { killAll, removeCgroup } from '../../cgroup/control.js';
import { cgroupBase } from '../../cgroup/layout.js';
import type { Addon } from '../../engine/addon.js';
import type { CgroupFacts } from '../../host/facts.js';
import { systemReader } from '../../host/reader.js';
import { TsrunError } from '../../spec/errors.js';
import { namesIn } from './names-in.js';
import type { ContainerRecord } from './record.js';
import { removeUpper, upperOf } from './uppers.js';
import type { StateRoot } from './state-root.js';

export interface DiscardInput {
  readonly root: StateRoot;
  readonly cgroup: CgroupFacts;
  readonly addon: Addon;
}

export async function discard({ root, cgroup: facts, addon }: DiscardInput, id: string): Promise<void> {
  const record = readWhole(root, id);
  if (record?.cgroup === '') throw unreachable(id, 'it has no cgroup by which it could be ended');
  for (const cgroup of record === undefined ? cgroupsOf(root, facts, id) : [record.cgroup]) {
    await killAll(cgroup);
    await removeCgroup(cgroup);
  }
  const upper = record === undefined ? undefined : upperOf(record.extensions);
  if (upper !== undefined) await removeUpper(upper, addon);
  // Meanwhile another process may have removed it, and begun one of the same name.
  if (readWhole(root, id)?.cgroup === record?.cgroup) root.removeContainer({ id, launcher: record?.launcher ?? 'lost' });
}

function unreachable(id: string, why: string): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', `the container '${id}' cannot be removed: ${why}`, { hint: 'end its processes, or its launcher (tsrun-launcher), by their pids; then gc removes what is left' });
}

/**
 * Without a record: that of the first process, if it lives. Else what bears the name, but a container of the same name in another
 * state root may have its cgroup beside it: so only what is empty, and has been for longer than any start takes.
 */
function cgroupsOf(root: StateRoot, facts: CgroupFacts, id: string): string[] {
  const base = cgroupBase(facts);
  const pid = unlessDamaged(() => root.readPid(id));
  if (base === undefined && isAlive(pid)) throw unreachable(id, 'its record is damaged, and it has no cgroup by which it could be ended');
  if (base === undefined) return [];
  const isIts = (name: string) => name.startsWith(`${id}-`) && /^[0-9a-f]{8}$/.test(name.slice(id.length + 1));
  const own = cgroupOf(pid, facts);
  if (own !== undefined && isIts(own)) return [`${base}/${own}`];
  const named = namesIn(base).filter(isIts).map((name) => `${base}/${name}`);
  if (named.some(isPopulated)) throw unreachable(id, 'its record is damaged, and it cannot be told whether what runs under its name is its own');
  return named.filter(isOld);
}

/** Name of the container's cgroup that a process is in, or below (proc_pid_cgroup(5)). */
function cgroupOf(pid: number | undefined, { base }: CgroupFacts): string | undefined {
  const path = pid === undefined ? undefined : /^0::(.*)$/m.exec(systemReader.read(`/proc/${pid}/cgroup`) ?? '')?.[1];
  return path?.startsWith(`${base}/`) === true ? path.slice(base.length + 1).split('/')[0] : undefined;
}

function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && systemReader.exists(`/proc/${pid}`);
}

function isPopulated(cgroup: string): boolean {
  return /^populated 1$/m.test(systemReader.read(`${cgroup}/cgroup.events`) ?? '');
}

const longAgoMs = 60_000;

function isOld(cgroup: string): boolean {
  return Date.now() - (statSync(cgroup, { throwIfNoEntry: false })?.ctimeMs ?? Date.now()) > longAgoMs;
}

/** What is being removed has no record for a moment. */
const removedWithinMs = 2000;

/** A folder that is there, with a record that says nothing, or none; or with what cannot be its first process or its end. */
export function isUnreadable(root: StateRoot, id: string): boolean {
  try {
    root.readPid(id);
    root.readExit(id);
    if (root.read(id) !== undefined) return false;
    const folder = statSync(root.containerPath(id), { throwIfNoEntry: false });
    return folder !== undefined && Date.now() - folder.mtimeMs > removedWithinMs;
  } catch (error) {
    if (TsrunError.is(error)) return true;
    throw error;
  }
}

/** Undefined for a record that is missing, damaged, or of another version. */
export function readWhole(root: StateRoot, id: string): ContainerRecord | undefined {
  return unlessDamaged(() => root.read(id));
}

/** What cannot be read says nothing; a want of descriptors is still an error. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (TsrunError.is(error)) return undefined;
    throw error;
  }
}
