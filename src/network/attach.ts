/** Attaches a network to a container whose first process waits for it. */
import { closeSync, openSync } from 'node:fs';
import { TsrunError } from '../spec/errors.js';
import type { AttachedNetwork } from '../spec/networks.js';
import { attachBridge, type BridgeInput } from './bridge.js';
import { attachUser, type UserInput } from './user.js';

export interface AttachInput extends Pick<BridgeInput, 'note' | 'forget'>, Pick<UserInput, 'cgroup' | 'pidFile' | 'isRoot'> {
  readonly network: AttachedNetwork;
  /** Of the first process. */
  readonly pid: number;
  /** The network namespace belongs to the launcher's user namespace, not to one of the container's. */
  readonly sharesUsers: boolean;
}

/** @throws TsrunError `ERR_TSRUN_HOST`; what was made goes with the container, or is noted */
export async function attachNetwork({ network, pid, sharesUsers, ...others }: AttachInput): Promise<void> {
  const open: number[] = [];
  // By a descriptor: if the container ends meanwhile, its number may be another's.
  const hold = (name: 'net' | 'user') => {
    const fd = openSync(`/proc/${pid}/ns/${name}`, 'r');
    open.push(fd);
    return { fd, path: `/proc/${process.pid}/fd/${fd}` };
  };
  try {
    const namespace = hold('net');
    if (network.kind === 'bridge') await attachBridge({ ...others, network, namespace: namespace.path });
    // Of an ordinary user the launcher has a user namespace in any case, which is not the caller's.
    else await attachUser({ ...others, network, namespace, userNamespace: sharesUsers && others.isRoot ? undefined : hold('user') });
  } catch (cause) {
    throw TsrunError.is(cause) ? cause : new TsrunError('ERR_TSRUN_HOST', `the network ${network.kind} could not be attached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    for (const fd of open) closeSync(fd);
  }
}
