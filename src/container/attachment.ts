/** The network of a container whose first process waits for one. */
import { join } from 'node:path';
import { Namespaces } from '../plan/namespaces.js';
import { forgetLink, noteLink } from './state/links.js';
import type { ContainerRecord } from './state/record.js';
import type { StateRoot } from './state/state-root.js';

/** What does it is loaded by the first container that has a network. */
export async function attachNetworkOf(record: ContainerRecord, pid: number, root: StateRoot): Promise<void> {
  const { extensions: { network, namespaceFds }, spec, cgroup } = record;
  if (network === undefined) return;
  const { attachNetwork } = await import('../network/attach.js');
  await attachNetwork({
    network,
    pid,
    cgroup,
    pidFile: join(root.containerPath(record.id), 'network.pid'),
    isRoot: process.getuid?.() === 0,
    sharesUsers: new Namespaces(spec.linux, namespaceFds).isShared('user'),
    note: (link) => noteLink(root, link, record),
    forget: (link) => { forgetLink(root, link); },
  });
}
