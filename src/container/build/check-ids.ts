/** Ids that a user namespace does not map: setuid and setgroups do not take them (EINVAL). */
import type { ResolvedUser } from '../../image/users.js';
import type { Faults } from '../../spec/faults.js';
import { mappedId } from '../../spec/ids.js';
import type { IdMapping } from '../../spec/types.js';
import type { MountOption } from '../options/options.js';

export interface MappedIds {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** @param groups what the caller asked for beside the user */
export function checkIdsAreMapped(user: ResolvedUser, maps: MappedIds, groups: readonly (string | number)[], faults: Faults): void {
  checkId('user', user.uid, maps, '/user', faults);
  for (const gid of new Set([user.gid, ...user.additionalGids])) checkId('group', gid, maps, groups.includes(gid) ? '/groups' : '/user', faults);
}

/** Of a tmpfs that belongs to nobody in the container the kernel says no more than EINVAL. */
export function checkOwnersAreMapped(mounts: readonly MountOption[], maps: MappedIds, faults: Faults): void {
  mounts.forEach(({ type, options = [] }, index) => {
    if (type !== 'tmpfs') return;
    options.forEach((word, at) => {
      const [, key, id] = /^([ug]id)=(\d+)$/.exec(word) ?? [];
      if (id !== undefined) checkId(key === 'uid' ? 'user' : 'group', Number(id), maps, `/mounts/${index}/options/${at}`, faults);
    });
  });
}

function checkId(kind: 'user' | 'group', id: number, { uidMappings, gidMappings }: MappedIds, field: string, faults: Faults): void {
  const mappings = kind === 'user' ? uidMappings : gidMappings;
  if (mappedId(mappings, id) !== undefined) return;
  const last = Math.max(...mappings.map(({ containerID, size }) => containerID + size - 1));
  faults.add(field, `${kind} ${id} does not exist in the container, whose ids end at ${last}`, 'take a lower one, or share the host\'s ids with --userns host');
}
