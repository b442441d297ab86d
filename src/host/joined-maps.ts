/** The id maps of a user namespace that is joined: files of the image must be seen through them too. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Extensions } from '../spec/extensions.js';
import type { IdMaps, Spec } from '../spec/types.js';
import { namespaceIdentity } from './namespace-files.js';
import { parseIdMap } from './proc-files.js';

/** Undefined when none is joined, or when no process is in it that could be asked. */
export function joinedIdMaps({ linux }: Spec, { namespaceFds }: Extensions): IdMaps | undefined {
  const path = linux?.namespaces?.find(({ type }) => type === 'user')?.path ?? '';
  const fd = namespaceFds?.user;
  const process = /^(\/proc\/(?:\d+|self))\/ns\/user$/.exec(path)?.[1];
  if (fd === undefined && process !== undefined) return readIdMaps(process);
  const identity = namespaceIdentity(fd === undefined ? { path } : { fd });
  return identity === undefined ? undefined : mapsOfMember(identity);
}

/** Of the user namespace of a process; undefined when that has ended: whoever opens it next will say so. */
export function readIdMaps(process: string): IdMaps | undefined {
  try {
    return { uidMappings: parseIdMap(readFileSync(`${process}/uid_map`, 'utf8')), gidMappings: parseIdMap(readFileSync(`${process}/gid_map`, 'utf8')) };
  } catch {
    return undefined;
  }
}

/** The kernel tells the maps of a namespace only beside a process in it. */
function mapsOfMember(identity: string): IdMaps | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (namespaceIdentity({ path: `/proc/${pid}/ns/user` }) === identity) return readIdMaps(`/proc/${pid}`);
  }
  return undefined;
}
