/** Flags about the network and the names in it. */
import { address, hostEntry, network } from '../values/isolation.js';
import { listOf } from '../values/value-type.js';
import { flag, runLike, type Flag } from './flag.js';

const group = 'Network';

export const networkFlags: readonly Flag[] = [
  flag(network, {
    name: 'network',
    aliases: ['net'],
    help: 'none: a new one with only loopback; host: shared; container:NAME, ns:PATH: joined',
    group,
    default: 'none',
    example: 'none',
    commands: runLike,
    apply: (draft, value) => (draft.options.network = value),
  }),
  flag(listOf(address), {
    name: 'dns',
    help: 'name server for /etc/resolv.conf',
    group,
    example: '192.0.2.53',
    commands: runLike,
    apply: (draft, value) => (draft.options.dns = [...(draft.options.dns ?? []), value]),
  }),
  flag(hostEntry, {
    name: 'add-host',
    help: 'line for /etc/hosts',
    group,
    example: 'db:192.0.2.7',
    commands: runLike,
    apply: (draft, { key, value }) => (draft.options.addHosts = { ...draft.options.addHosts, [key]: value }),
  }),
];
