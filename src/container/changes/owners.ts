/** Owners in an upper layer and in those below it, as the container calls them: only so can they be compared. */
import type { HostFacts } from '../../host/facts.js';
import type { Owners } from '../../image/layer-changes.js';
import type { IdMapping } from '../../spec/types.js';
import { subordinateRange } from '../ids/subordinate.js';

export interface IdMaps {
  readonly uidMappings?: readonly IdMapping[] | undefined;
  readonly gidMappings?: readonly IdMapping[] | undefined;
}

/** Overlayfs writes with the ids of the launcher's user namespace (compile-root.ts). */
export function ownersInUpper({ uidMappings, gidMappings }: IdMaps): Owners {
  return { uid: (id) => innerId(uidMappings, id), gid: (id) => innerId(gidMappings, id) };
}

/** Layers are id-mapped for root; an ordinary user's are shifted as they are written, and the launcher sees its namespace's ids in them. */
export function ownersBelow({ uidMappings, gidMappings }: IdMaps, { uid }: Pick<HostFacts, 'uid'>): Owners {
  if (uid === 0) return { uid: (id) => id, gid: (id) => id };
  const [uids, gids] = [subordinateRange('/etc/subuid'), subordinateRange('/etc/subgid')];
  const launchers = (own: number, start: number, id: number) => (id === own ? 0 : id - start + 1);
  return {
    uid: (id) => innerId(uidMappings, launchers(uid, uids.start, id)),
    gid: (id) => innerId(gidMappings, launchers(process.getgid?.() ?? uid, gids.start, id)),
  };
}

/** The id itself without maps; also of who is in none. */
function innerId(mappings: readonly IdMapping[] | undefined, id: number): number {
  const range = mappings?.find(({ hostID, size }) => id >= hostID && id - hostID < size);
  return range === undefined ? id : range.containerID + (id - range.hostID);
}
