/** A container that is looked into is not taken away meanwhile. */
import { TsrunError } from '../../spec/errors.js';
import type { ContainerRecord } from '../state/record.js';
import type { StateRoot } from '../state/state-root.js';
import { upperOf } from '../state/uppers.js';
import { MountTables, readMounts } from './mount-records.js';

/** @throws ERR_TSRUN_STATE for one whose writes are on disk, and mounted */
export function refuseMounted({ mountsPath }: StateRoot, { id, extensions }: ContainerRecord): void {
  if (upperOf(extensions) === undefined) return;
  const tables = new MountTables();
  const mount = readMounts(mountsPath).find((each) => each.kind === 'container' && each.name === id && tables.has(each));
  if (mount !== undefined) throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is mounted at '${mount.path}'`, { hint: `unmount it first: tsrun unmount ${id}` });
}
