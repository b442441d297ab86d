/** Rules that tie fields to the namespaces they act on: without an own namespace they would change the host. */

import type { Extensions } from './extensions.js';
import type { Faults } from './faults.js';
import { joinedPath } from './namespaces.js';
import { pointer } from './quote.js';
import { checkBothMaps, checkIdMap, checkUserIsMapped } from './rules-ids.js';
import { sysctlOwner } from './sysctl-names.js';
import type { Mount, Namespace, NamespaceType, Spec } from './types.js';

/** `joined` says that a path or descriptor is given; whether that is the host's own under another name, only who looks at it can tell. */
type Standing = 'new' | 'joined' | 'host';

/** The runtime's own namespaces under another name. */
const ownByName = /^\/proc\/(?:self|thread-self|1)\/(?:task\/\d+\/)?ns\//;

export function checkNamespaces(spec: Spec, extensions: Extensions, faults: Faults): void {
  const { linux = {} } = spec;
  const standing = standings(linux.namespaces ?? [], extensions, faults);
  const needs = (type: NamespaceType, field: string) => {
    if ((standing.get(type) ?? 'host') === 'host') faults.add(field, `needs ${type === 'ipc' ? 'an' : 'a'} ${type} namespace that is not the host's`, addition(type));
  };
  // config.md, "Hostname", "Domainname"; config-linux.md, "Network Devices", "Sysctl".
  if (spec.hostname) needs('uts', '/hostname');
  if (spec.domainname) needs('uts', '/domainname');
  if (Object.keys(linux.netDevices ?? {}).length > 0) needs('network', '/linux/netDevices');
  for (const key of Object.keys(linux.sysctl ?? {})) {
    const field = pointer('/linux/sysctl', key);
    const owner = sysctlOwner(key);
    if (owner === undefined) faults.add(field, 'expected a parameter that is kept per namespace: it would change the host', sysctlHint);
    else needs(owner, field);
  }
  // config-linux.md, "User namespace mappings".
  for (const map of ['uidMappings', 'gidMappings'] as const) {
    checkIdMap(linux[map] ?? [], `/linux/${map}`, faults);
    if (linux[map] !== undefined && linux[map].length > 0) needs('user', `/linux/${map}`);
  }
  if (standing.get('user') === 'new') {
    checkBothMaps(linux, '/linux', faults);
    checkUserIsMapped(spec, faults);
  }
  // config-linux.md, "Offset for Time Namespace"; time_namespaces(7): offsets can be written only before the first process is in the namespace.
  if (linux.timeOffsets !== undefined && standing.get('time') !== 'new') {
    faults.add('/linux/timeOffsets', 'needs a new time namespace', addition('time'));
  }
  spec.mounts?.forEach((mount, index) => {
    checkMountMaps(mount, `/mounts/${index}`, standing.has('user'), faults);
  });
}

const sysctlHint = 'allowed are net.*, kernel.{msgmax,msgmnb,msgmni,sem,shm*}, fs.mqueue.* and user.*; names are given with --hostname and --domainname';

function addition(type: NamespaceType): string {
  return `add {"type": "${type}"} to linux.namespaces`;
}

function standings(namespaces: readonly Namespace[], { namespaceFds = {} }: Extensions, faults: Faults): Map<string, Standing> {
  const standing = new Map<string, Standing>();
  for (const type of Object.keys(namespaceFds)) standing.set(type, 'joined');
  const listed = new Set<string>();
  // config-linux.md, "Namespaces": no type twice.
  namespaces.forEach((each, index) => {
    const { type } = each;
    const path = joinedPath(each);
    if (listed.has(type)) faults.add(`/linux/namespaces/${index}/type`, `duplicate namespace type "${type}"`);
    listed.add(type);
    if (path !== undefined) standing.set(type, ownByName.test(path) ? 'host' : 'joined');
    else if (!standing.has(type)) standing.set(type, 'new');
  });
  return standing;
}

function checkMountMaps(mount: Mount, at: string, ownUser: boolean, faults: Faults): void {
  const { uidMappings = [], gidMappings = [], options = [] } = mount;
  checkIdMap(uidMappings, `${at}/uidMappings`, faults);
  checkIdMap(gidMappings, `${at}/gidMappings`, faults);
  checkBothMaps(mount, at, faults);
  // config.md, "Linux mount options": the map of the mount, or of the container's user namespace.
  const index = options.findIndex((option) => option === 'idmap' || option === 'ridmap');
  if (index >= 0 && uidMappings.length === 0 && !ownUser) {
    faults.add(`${at}/options/${index}`, 'needs uidMappings and gidMappings, or a user namespace to take them from');
  }
}
