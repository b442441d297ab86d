/** A network in the name of the user: a program makes of the container's packets sockets of its own. */
import { mkdirSync } from 'node:fs';
import { TsrunError } from '../spec/errors.js';
import type { AttachedNetwork } from '../spec/networks.js';
import { ownScript } from './nft-rules.js';
import { startPasta } from './pasta.js';
import { isInstalled, requirePrograms, runProgram } from './programs.js';
import { startSlirp } from './slirp.js';
import type { UserPlace } from './user-place.js';

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
  /** Of the container: the program ends with it, whoever is left to see to that. */
  readonly cgroup: string;
  /** Where pasta tells its pid; it is gone when that was read. */
  readonly pidFile: string;
  readonly isRoot: boolean;
}

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function attachUser({ network: { egress }, namespace, userNamespace, cgroup, pidFile, isRoot }: UserInput): Promise<void> {
  if (cgroup === '') throw new TsrunError('ERR_TSRUN_HOST', 'the container has no cgroup, with which the process of its network would end', { field: '/network', hint: 'cgroup v2 is not writable for this user: see tsrun doctor' });
  const start = chosen();
  requirePrograms('nsenter', 'nft');
  // Root has the right to it from outside; an ordinary user only inside.
  const inside = [...(isRoot || userNamespace === undefined ? [] : [`--user=${userNamespace.path}`]), `--net=${namespace.path}`];
  await runProgram('nsenter', [...inside, 'nft', '-f', '-'], ownScript(egress));
  const own = `${cgroup}/network`;
  mkdirSync(own, { recursive: true });
  // It has no right any more to look into this process, but what it was given is its own.
  const given = [namespace, ...(userNamespace === undefined ? [] : [userNamespace])].map(({ fd }) => fd);
  await start({ cgroup: own, pidFile, given, hasUsers: userNamespace !== undefined, isRoot });
}

/** pasta gives IPv6 as well, and the host's own addresses. */
function chosen(): (place: UserPlace) => Promise<void> {
  if (isInstalled('pasta')) return startPasta;
  if (isInstalled('slirp4netns')) return startSlirp;
  throw new TsrunError('ERR_TSRUN_HOST', 'neither pasta nor slirp4netns is to be had, one of which makes the network', { field: '/network', hint: 'install one: apt-get install passt, or slirp4netns' });
}
