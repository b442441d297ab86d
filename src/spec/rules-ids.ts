/** Rules for id maps that one entry alone does not show (config-linux.md, "User namespace mappings"; user_namespaces(7)). */

import type { Faults } from './faults.js';
import { largestId, mappedId } from './ids.js';
import type { IdMapping, Linux, Spec } from './types.js';

type Side = 'containerID' | 'hostID';

/** The kernel takes a map in one write of less than a page; 4096 is the smallest page there is. */
const mostMapBytes = 4095;

/** The order of the entries is free, as it is for the kernel. */
export function checkIdMap(map: readonly IdMapping[], at: string, faults: Faults): void {
  for (const side of ['containerID', 'hostID'] as const) {
    map.forEach((entry, index) => {
      const last = entry[side] + entry.size - 1;
      if (last > largestId) faults.add(`${at}/${index}/size`, `expected ids up to ${largestId}, found ${side} up to ${last}`);
    });
    checkOverlap(map, side, at, faults);
  }
  const bytes = map.reduce((sum, { containerID, hostID, size }) => sum + `${containerID} ${hostID} ${size}\n`.length, 0);
  if (bytes > mostMapBytes) faults.add(at, `the map has ${bytes} bytes in the kernel's form, which takes at most ${mostMapBytes}`);
}

function checkOverlap(map: readonly IdMapping[], side: Side, at: string, faults: Faults): void {
  const sorted = [...map.entries()].sort(([, a], [, b]) => a[side] - b[side]);
  let end = 0;
  for (const [index, entry] of sorted) {
    if (entry[side] < end) faults.add(`${at}/${index}/${side}`, `${entry[side]} lies in the range of another entry of the map`);
    end = Math.max(end, entry[side] + entry.size);
  }
}

/** config.md, "POSIX-platform Mounts", demands both for a mount. Whoever gives one map means the ids to be his: the other would be an empty one, which the kernel does not take. */
export function checkBothMaps({ uidMappings = [], gidMappings = [] }: Pick<Linux, 'uidMappings' | 'gidMappings'>, at: string, faults: Faults): void {
  if ((uidMappings.length === 0) === (gidMappings.length === 0)) return;
  faults.add(`${at}/${uidMappings.length === 0 ? 'uidMappings' : 'gidMappings'}`, 'uidMappings and gidMappings must be given together');
}

/** config.md, "POSIX-platform User": setuid, setgid and setgroups fail with EINVAL for an id that has no host id behind it. */
export function checkUserIsMapped({ process, linux }: Spec, faults: Faults): void {
  if (process === undefined) return;
  const { uid, gid, additionalGids = [] } = process.user;
  checkMapped(uid, linux?.uidMappings, '/process/user/uid', 'linux.uidMappings', faults);
  checkMapped(gid, linux?.gidMappings, '/process/user/gid', 'linux.gidMappings', faults);
  additionalGids.forEach((group, index) => {
    checkMapped(group, linux?.gidMappings, `/process/user/additionalGids/${index}`, 'linux.gidMappings', faults);
  });
}

function checkMapped(id: number, map: readonly IdMapping[] = [], field: string, name: string, faults: Faults): void {
  if (map.length > 0 && mappedId(map, id) === undefined) faults.add(field, `${id} is not an id that ${name} maps`);
}
