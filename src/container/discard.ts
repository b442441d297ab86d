/** Ends and forgets a container of which nobody can be asked: its record cannot be read, or its launcher does not answer. */
import { readdirSync } from 'node:fs';
import { killAll, removeCgroup } from '../cgroup/control.js';
import { TsrunError } from '../spec/errors.js';
import type { ContainerRecord } from './record.js';
import type { StateRoot } from './state-root.js';

/** @param base the folder of all containers' cgroups; undefined where none can be made */
export async function discard(root: StateRoot, base: string | undefined, id: string): Promise<void> {
  for (const cgroup of base === undefined ? [] : cgroupsOf(base, id)) {
    await killAll(cgroup);
    await removeCgroup(cgroup);
  }
  root.removeContainer({ id, launcher: readWhole(root, id)?.launcher ?? 'lost' });
}

/** By their names, which a launcher makes of the id and eight hexadecimal digits. */
function cgroupsOf(base: string, id: string): string[] {
  const names = readdirSync(base).filter((name) => name.startsWith(`${id}-`) && /^[0-9a-f]{8}$/.test(name.slice(id.length + 1)));
  return names.map((name) => `${base}/${name}`);
}

/** A folder that is there, with a record that says nothing. */
export function isUnreadable(root: StateRoot, id: string): boolean {
  try {
    root.read(id);
    return false;
  } catch (error) {
    if (TsrunError.is(error)) return true;
    throw error;
  }
}

/** Undefined for a record that is missing, damaged, or of another version. */
export function readWhole(root: StateRoot, id: string): ContainerRecord | undefined {
  try {
    return root.read(id);
  } catch (error) {
    if (TsrunError.is(error)) return undefined;
    throw error;
  }
}
