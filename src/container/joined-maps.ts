/** The id maps of a user namespace that is joined by path: files of the image must be seen through them too. */
import { readFileSync } from 'node:fs';
import type { IdMaps } from '../plan/input.js';
import type { IdMapping, Spec } from '../spec/types.js';

export function joinedIdMaps({ linux }: Spec): IdMaps | undefined {
  const path = linux?.namespaces?.find(({ type }) => type === 'user')?.path;
  const process = /^(\/proc\/(?:\d+|self))\/ns\/user$/.exec(path ?? '')?.[1];
  if (process === undefined) return undefined;
  return readIdMaps(process);
}

/** Of the user namespace of a process; undefined when that has ended: whoever opens it next will say so. */
export function readIdMaps(process: string): IdMaps | undefined {
  try {
    return { uidMappings: parseMap(readFileSync(`${process}/uid_map`, 'utf8')), gidMappings: parseMap(readFileSync(`${process}/gid_map`, 'utf8')) };
  } catch {
    return undefined;
  }
}

/** `inside outside count` a line (user_namespaces(7)). */
function parseMap(text: string): IdMapping[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([containerID = 0, hostID = 0, size = 0]) => ({ containerID, hostID, size }));
}
