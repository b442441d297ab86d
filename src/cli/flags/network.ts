/** Flags about the network and the names in it. */
import { matching } from '../values/basic.js';
import { address, egressRule, hostEntry, network } from '../values/isolation.js';
import { listOf } from '../values/value-type.js';
import { flag, starting, type Flag } from './flag.js';

const group = 'Network';

export const networkFlags: readonly Flag[] = [
  flag(network, {
    name: 'network',
    aliases: ['net'],
    help: 'none: only loopback; user: by pasta or slirp4netns; bridge: an address of its own; host: shared; container:NAME, ns:PATH: joined',
    group,
    default: 'none',
    example: 'none',
    commands: starting,
    apply: (draft, value) => (draft.options.network = value),
  }),
  flag(listOf(egressRule), {
    name: 'egress',
    help: 'what may be reached over the network user or bridge, and nothing else; an IPv6 address with ports is in brackets',
    group,
    default: 'everything',
    example: '198.51.100.0/24:443,8000-8999/tcp',
    commands: starting,
    apply: (draft, value) => (draft.options.egress = [...(draft.options.egress ?? []), value]),
  }),
  flag(matching('CIDR', /^\d{1,3}(?:\.\d{1,3}){3}\/\d{1,2}$/, 'an IPv4 range'), {
    name: 'bridge-range',
    help: 'where the network bridge takes addresses from',
    group,
    default: '10.213.0.0/16',
    example: '10.99.0.0/16',
    commands: starting,
    apply: (draft, value) => (draft.options.bridgeRange = value),
  }),
  flag(listOf(address), {
    name: 'dns',
    help: 'name server for /etc/resolv.conf',
    group,
    example: '192.0.2.53',
    commands: starting,
    apply: (draft, value) => (draft.options.dns = [...(draft.options.dns ?? []), value]),
  }),
  flag(hostEntry, {
    name: 'add-host',
    help: 'line for /etc/hosts',
    group,
    example: 'db:192.0.2.7',
    commands: starting,
    apply: (draft, { key, value }) => (draft.options.addHosts = { ...draft.options.addHosts, [key]: value }),
  }),
];
