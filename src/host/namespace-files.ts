/** Namespaces as files (namespaces(7)): /proc/<pid>/ns/<name>, another path that one is bound to, or a descriptor. */
import { fstatSync, statSync } from 'node:fs';
import type { NamespaceType } from '../spec/types.js';

/** Names in /proc/<pid>/ns. */
export const namespaceFiles: Readonly<Record<NamespaceType, string>> = { user: 'user', mount: 'mnt', pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', time: 'time' };

/** The same for two names of one namespace; undefined for what cannot be looked at, which is told of when it is opened. */
export function namespaceIdentity(namespace: { readonly path: string } | { readonly fd: number }): string | undefined {
  try {
    const { dev, ino } = 'fd' in namespace ? fstatSync(namespace.fd, { bigint: true }) : statSync(namespace.path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
