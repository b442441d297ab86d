/** Which namespaces a container gets, and the maps of its user namespace. */

import type { HostFacts } from '../../host/facts.js';
import { RANGE_SIZE, type IdRange } from '../../host/id-ranges.js';
import { defaultNamespaces } from '../../spec/defaults.js';
import { TsrunError } from '../../spec/errors.js';
import { largestId } from '../../spec/ids.js';
import { joinedPath } from '../../spec/namespaces.js';
import { namespaceTypeNames } from '../../spec/schema.generated.js';
import type { IdMapping, Linux, Namespace, NamespaceType } from '../../spec/types.js';
import type { NamespaceChoice, RunOptions } from '../options/options.js';

/** `joined`: by path or descriptor. */
export type Standing = 'new' | 'joined' | 'host';

export interface NamespaceParts {
  readonly namespaces: Namespace[];
  readonly fds: Partial<Record<NamespaceType, number>>;
  readonly standing: Readonly<Record<NamespaceType, Standing>>;
}

/** @param base of a bundle; absent for the default profile */
export function buildNamespaces(options: RunOptions, base: readonly Namespace[] | undefined): NamespaceParts {
  const listed = new Map<NamespaceType, string | undefined>();
  if (base === undefined) for (const type of defaultNamespaces) listed.set(type, undefined);
  else for (const each of base) listed.set(each.type, joinedPath(each));
  const fds: Partial<Record<NamespaceType, number>> = {};
  for (const [type, choice] of chosen(options)) {
    listed.delete(type);
    if (choice === 'new') listed.set(type, undefined);
    else if (choice !== 'host' && 'path' in choice) listed.set(type, choice.path);
    else if (choice !== 'host' && 'fd' in choice) fds[type] = choice.fd;
  }
  const namespaces = [...listed].map(([type, path]) => ({ type, ...(path !== undefined && { path }) }));
  const stand = (type: NamespaceType): Standing => {
    if (fds[type] !== undefined || listed.get(type) !== undefined) return 'joined';
    return listed.has(type) ? 'new' : 'host';
  };
  return { namespaces, fds, standing: byType(stand) };
}

function byType(stand: (type: NamespaceType) => Standing): Record<NamespaceType, Standing> {
  const standing: Record<NamespaceType, Standing> = {
    pid: 'host', network: 'host', mount: 'host', ipc: 'host', uts: 'host', user: 'host', cgroup: 'host', time: 'host',
  };
  for (const type of namespaceTypeNames) standing[type] = stand(type);
  return standing;
}

function chosen({ namespaces = {}, network, timeOffsets }: RunOptions): [NamespaceType, NamespaceChoice][] {
  const { pid, ipc, uts, user, cgroup, time, mount } = namespaces;
  const choices: [NamespaceType, NamespaceChoice | undefined][] = [
    ['user', user],
    ['pid', pid],
    ['network', typeof network === 'string' && network !== 'host' ? 'new' : network],
    ['ipc', ipc],
    ['uts', uts],
    ['cgroup', cgroup],
    ['mount', mount],
    // Offsets can be given to a new one only (time_namespaces(7)).
    ['time', time ?? (hasOffsets(timeOffsets) ? 'new' : undefined)],
  ];
  return choices.flatMap(([type, choice]): [NamespaceType, NamespaceChoice][] => (choice === undefined ? [] : [[type, choice]]));
}

export function hasOffsets(offsets: RunOptions['timeOffsets']): boolean {
  return offsets?.monotonic !== undefined || offsets?.boottime !== undefined;
}

export function timeOffsets({ monotonic, boottime }: NonNullable<RunOptions['timeOffsets']>): NonNullable<Linux['timeOffsets']> {
  return {
    ...(monotonic !== undefined && { monotonic: { secs: monotonic } }),
    ...(boottime !== undefined && { boottime: { secs: boottime } }),
  };
}

export interface IdMaps {
  readonly uidMappings: IdMapping[];
  readonly gidMappings: IdMapping[];
}

/** The ranges for `auto`; without them an ordinary user gets its own id alone. */
export interface MapInput {
  readonly host: HostFacts;
  readonly idRange?: IdRange | undefined;
  /** Where groups have another range than users, as /etc/subgid may say. */
  readonly gidRange?: IdRange | undefined;
  /** Of an ordinary user: how many ids its launcher's user namespace has besides root's. */
  readonly subordinate?: { readonly uids: number; readonly gids: number } | undefined;
}

/** Undefined without a new user namespace. */
export function buildIdMaps(standing: Standing, base: Linux | undefined, input: MapInput): IdMaps | undefined {
  if (standing !== 'new') return undefined;
  const { uidMappings = [], gidMappings = [] } = base ?? {};
  if (uidMappings.length > 0 || gidMappings.length > 0) return { uidMappings, gidMappings };
  const { host, idRange, gidRange = idRange } = input;
  if (idRange !== undefined && gidRange !== undefined) return { uidMappings: [mapRange(idRange)], gidMappings: [mapRange(gidRange)] };
  if (host.uid !== 0) {
    const { uids = 0, gids = 0 } = input.subordinate ?? {};
    return { uidMappings: mapSubordinate(uids), gidMappings: mapSubordinate(gids) };
  }
  throw new TsrunError('ERR_TSRUN_HOST', 'there is no free range of ids for a user namespace', {
    field: '/namespaces/user',
    hint: 'stop a container, or share the host\'s user namespace with --userns host',
  });
}

function mapRange({ start, size }: IdRange): IdMapping {
  return { containerID: 0, hostID: start, size };
}

/**
 * As they are in the launcher's user namespace: root is the user, the rest follow. Two lines, since each must lie inside
 * one line of the map above it.
 */
function mapSubordinate(count: number): IdMapping[] {
  const root = { containerID: 0, hostID: 0, size: 1 };
  return count === 0 ? [root] : [root, { containerID: 1, hostID: 1, size: Math.min(count, RANGE_SIZE - 1) }];
}

/** How many group ids from 0 on exist in the container; of a joined user namespace only root's is sure. */
export function gidCount({ host, subordinate }: Pick<MapInput, 'host' | 'subordinate'>, maps: IdMaps | undefined, standing: Standing): number {
  if (standing === 'joined') return 1;
  if (maps !== undefined) return idCount(maps.gidMappings);
  return host.uid === 0 ? largestId + 1 : 1 + (subordinate?.gids ?? 0);
}

function idCount(maps: readonly IdMapping[]): number {
  let count = 0;
  for (const { containerID, size } of maps.toSorted((a, b) => a.containerID - b.containerID)) {
    if (containerID > count) break;
    count = Math.max(count, containerID + size);
  }
  return count;
}
