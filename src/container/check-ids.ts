/** Ids that a user namespace does not map: setuid and setgroups do not take them (EINVAL). */
import type { ResolvedUser } from '../image/users.js';
import type { Faults } from '../spec/faults.js';
import { mappedId } from '../spec/ids.js';
import type { IdMapping } from '../spec/types.js';

export interface MappedIds {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** @param groups what the caller asked for beside the user */
export function checkIdsAreMapped(user: ResolvedUser, maps: MappedIds, groups: readonly (string | number)[], faults: Faults): void {
  const check = (kind: string, id: number, mappings: readonly IdMapping[], field: string) => {
    if (mappedId(mappings, id) !== undefined) return;
    const last = Math.max(...mappings.map(({ containerID, size }) => containerID + size - 1));
    faults.add(field, `${kind} ${id} does not exist in the container, whose ids end at ${last}`, 'take a lower one, or share the host\'s ids with --userns host');
  };
  check('user', user.uid, maps.uidMappings, '/user');
  for (const gid of new Set([user.gid, ...user.additionalGids])) check('group', gid, maps.gidMappings, groups.includes(gid) ? '/groups' : '/user');
}
