/** Names of kernel parameters, and the namespaces that they are kept in. */
import type { NamespaceType } from './types.js';

/** No part is empty or of dots alone, which would lead elsewhere. */
const pathForm = /^[a-z0-9_]+(?:\/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)+$/;

/** The parameters that are kept per namespace, by their paths; any other would be changed for the whole host. */
const owners: readonly (readonly [RegExp, NamespaceType])[] = [
  [/^net\//, 'network'],
  [/^kernel\/(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/, 'ipc'],
  [/^fs\/mqueue\//, 'ipc'],
  [/^kernel\/(?:hostname|domainname)$/, 'uts'],
  [/^user\//, 'user'],
];

/**
 * The path below /proc/sys, as sysctl.d(5) has it: where the first separator is a slash the others are what they are; where it is a dot, dots
 * and slashes change places. So `net/ipv4/ip_forward`, and an interface `eth0.100` as `net.ipv4.conf.eth0/100.forwarding`.
 */
export function sysctlPath(name: string): string {
  return /[./]/.exec(name)?.[0] === '/' ? name : swapped(name);
}

/** The other way, with dots between the parts. */
export function sysctlName(path: string): string {
  return swapped(path);
}

export function isSysctlName(name: string): boolean {
  return pathForm.test(sysctlPath(name));
}

/** The kind of namespace that a kernel parameter is kept in; undefined for one of the whole host. */
export function sysctlOwner(name: string): NamespaceType | undefined {
  const path = sysctlPath(name);
  return owners.find(([paths]) => paths.test(path))?.[1];
}

function swapped(text: string): string {
  return text.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}
