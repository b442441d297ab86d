/** A network beyond loopback: what of it the launch attaches, and what contradicts it. */
import { cgroupBase } from '../../cgroup/layout.js';
import type { HostFacts } from '../../host/facts.js';
import { TsrunError } from '../../spec/errors.js';
import type { Faults } from '../../spec/faults.js';
import { defaultBridgeRange, type AttachedNetwork } from '../../spec/networks.js';
import type { Spec } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';

type NetworkOptions = Pick<RunOptions, 'network' | 'egress' | 'bridgeRange'>;

/** Undefined where there is nothing to attach. */
export function attachedNetwork({ network, egress, bridgeRange: range = defaultBridgeRange }: NetworkOptions): AttachedNetwork | undefined {
  const list = egress === undefined ? {} : { egress };
  if (network === 'user') return { kind: network, ...list };
  return network === 'bridge' ? { kind: network, range, ...list } : undefined;
}

/** With these the rules in the container's own namespace could be taken away, or gone around by packet sockets. */
const rulers = ['CAP_NET_ADMIN', 'CAP_NET_RAW'];

function rulersOf({ process }: Spec): string[] {
  return rulers.filter((name) => process?.capabilities?.bounding?.includes(name) === true);
}

/** What makes sockets of a container's packets does so with whatever address they bear. */
export function networkWarnings(network: AttachedNetwork | undefined, spec: Spec): string[] {
  const held = rulersOf(spec);
  if (network?.kind !== 'user' || held.length === 0) return [];
  return [`with ${held.join(' and ')} the container can write packets that reach the loopback of the host by its network: drop them, or use the network bridge`];
}

export function checkNetwork({ network, egress, bridgeRange }: NetworkOptions, spec: Spec, faults: Faults): void {
  if (egress !== undefined && network !== 'user' && network !== 'bridge') faults.add('/egress', 'there is no network to hold to it', 'add the network user or bridge, or leave it out');
  if (bridgeRange !== undefined && network !== 'bridge') faults.add('/bridgeRange', 'there is no bridge to take addresses for', 'add the network bridge, or leave it out');
  const held = rulersOf(spec);
  if (egress === undefined || network !== 'user' || held.length === 0) return;
  faults.add('/egress', `with ${held.join(' and ')} the container could go around it`, 'drop them, or use the network bridge, whose rules are the host\'s');
}

/** @throws ERR_TSRUN_HOST */
export function checkNetworkHost({ network }: NetworkOptions, host: HostFacts): void {
  if (network === 'bridge' && host.uid !== 0) throw new TsrunError('ERR_TSRUN_HOST', 'an ordinary user makes no interface on the host', { field: '/network', hint: 'use the network "user"' });
  if (network !== 'user' || cgroupBase(host.cgroup) !== undefined) return;
  throw new TsrunError('ERR_TSRUN_HOST', 'there is no cgroup to be had, with which the process of the network would end', { field: '/network', hint: 'cgroup v2 is not writable for this user: see tsrun doctor' });
}
