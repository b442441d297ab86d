/** A network in the name of the user: pasta(1) makes of the container's packets sockets of its own. */
import { mkdirSync } from 'node:fs';
import { TsrunError } from '../spec/errors.js';
import type { AttachedNetwork } from '../spec/networks.js';
import { ownScript } from './nft-rules.js';
import { runProgram } from './programs.js';

/** A namespace that is held open. */
export interface OpenNamespace {
  readonly fd: number;
  /** For programs that this process starts. */
  readonly path: string;
}

export interface UserInput {
  readonly network: Extract<AttachedNetwork, { kind: 'user' }>;
  /** The container's namespaces; the user namespace is absent where the caller's own holds the network. */
  readonly namespace: OpenNamespace;
  readonly userNamespace?: OpenNamespace | undefined;
  /** Of the container: pasta ends with it, whoever is left to see to that. */
  readonly cgroup: string;
  /** Where pasta tells its pid; it is gone when that was read. */
  readonly pidFile: string;
  readonly isRoot: boolean;
}

/** Nothing comes in, and the loopback of the host is nowhere: neither by the container's own nor by its gateway. */
const closed = ['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none', '--no-map-gw'];

/**
 * In the container's cgroup pasta could not open /dev/net/tun, which its device rules deny: it goes there when it has done so, and has
 * left for the background. The shell lives on when this process is killed, and a container that is gone by then has no cgroup to go to.
 */
const executeAndMove = `
cgroup=$1 file=$2
shift 2
"$@" --pid "$file" && read -r pid <"$file" || exit 1
rm "$file"
echo "$pid" >"$cgroup/cgroup.procs" || { kill "$pid"; exit 1; }
`;

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function attachUser({ network: { egress }, namespace, userNamespace, cgroup, pidFile, isRoot }: UserInput): Promise<void> {
  if (cgroup === '') throw new TsrunError('ERR_TSRUN_HOST', 'the container has no cgroup, with which the process of its network would end', { field: '/network', hint: 'cgroup v2 is not writable for this user: see tsrun doctor' });
  // Root has the right to it from outside; an ordinary user only inside.
  const inside = [...(isRoot || userNamespace === undefined ? [] : [`--user=${userNamespace.path}`]), `--net=${namespace.path}`];
  if (egress !== undefined) await runProgram('nsenter', [...inside, 'nft', '-f', '-'], ownScript(egress));
  const own = `${cgroup}/network`;
  mkdirSync(own, { recursive: true });
  // It has no right any more to look into this process, but what it was given is its own.
  const given = [namespace, ...(userNamespace === undefined ? [] : [userNamespace])].map(({ fd }) => fd);
  const place = ['--netns', '/proc/self/fd/3', ...(userNamespace === undefined ? ['--netns-only'] : ['--userns', '/proc/self/fd/4']), '--no-netns-quit'];
  // As nobody, which is what it makes itself of root, it could not enter the namespaces.
  const identity = isRoot ? ['--runas', '0'] : [];
  await runProgram('sh', ['-c', executeAndMove, 'pasta', own, pidFile, 'pasta', '--quiet', '--config-net', '--ns-ifname', 'eth0', ...closed, ...identity, ...place], '', given);
}
