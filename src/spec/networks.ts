/** Networks beyond loopback: what is asked for, and what may be reached through them. */
import { ipFamily } from './ip-family.js';
import { anyOf, array, integer, oneOf, optional, strictObject, tagged, text, type Shape } from './shape.js';

/** One thing that may be reached. Without ports: every port; without ports and protocol: every protocol. */
export interface EgressRule {
  /** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
  readonly cidr: string;
  /** Numbers, and ranges such as `8000-8999`. Default: all. */
  readonly ports?: readonly (number | string)[];
  /** Default: both, where ports are named. */
  readonly protocol?: 'tcp' | 'udp';
}

/** A network that is attached between the making of the namespaces and the execution of the program. */
export type AttachedNetwork =
  /** By pasta or slirp4netns, in the name of the user. */
  | { readonly kind: 'user'; readonly egress?: readonly EgressRule[] }
  /** By a pair of veth interfaces with a /30 out of the range. */
  | { readonly kind: 'bridge'; readonly range: string; readonly egress?: readonly EgressRule[] };

/** What bridges are given addresses of. */
export const defaultBridgeRange = '10.213.0.0/16';

export interface Cidr {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefix: number;
}

/** An address alone stands for itself. Undefined for what is neither. */
export function parseCidr(value: string): Cidr | undefined {
  const [, address = '', length] = /^([0-9A-Fa-f.:]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(value) ?? [];
  const family = ipFamily(address);
  if (family === 0) return undefined;
  const most = family === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  return prefix > most ? undefined : { family, address, prefix };
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `443`, `8000-8999`. Undefined for what is no port. */
export function parsePorts(value: number | string): PortRange | undefined {
  const [, from = '', to = from] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(String(value)) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return from === '' || first > last || last > 65_535 ? undefined : { first, last };
}

/** `10.0.0.0/8:443,8000-8999/tcp`; `*` stands for all ports, and an IPv6 address with ports is in brackets. Undefined for what is no rule. */
export function parseEgressRule(value: string): EgressRule | undefined {
  if (parseCidr(value) !== undefined) return { cidr: value };
  const [, bracketed, plain = '', list = '', protocol] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\*|[\d,-]+)(?:\/(tcp|udp))?$/.exec(value) ?? [];
  const cidr = bracketed ?? plain;
  const ports = list === '*' ? [] : list.split(',');
  if (parseCidr(cidr) === undefined || ports.some((each) => parsePorts(each) === undefined)) return undefined;
  return { cidr, ...(ports.length > 0 && { ports: ports.map((each) => (each.includes('-') ? each : Number(each))) }), ...(protocol !== undefined && { protocol: protocol === 'tcp' ? 'tcp' : 'udp' }) };
}

const isCidr = { test: (value: string) => parseCidr(value) !== undefined };
const isPortRange = { test: (value: string) => parsePorts(value) !== undefined };

export const egress: Shape<EgressRule[]> = array(
  strictObject<EgressRule>({
    cidr: text('an address, or a range such as "10.0.0.0/8"', isCidr),
    ports: optional(array(anyOf(integer(1, 65_535), text('a range such as "8000-8999"', isPortRange)), 1, 100)),
    protocol: optional(oneOf('a protocol', ['tcp', 'udp'])),
  }),
  0,
  1000,
);

/** Room for one pair of addresses at least. */
export const bridgeRange = text('an IPv4 range such as "10.213.0.0/16", of 4 to 16,777,216 addresses', {
  test: (value) => {
    const range = parseCidr(value);
    return range?.family === 4 && range.prefix >= 8 && range.prefix <= 30;
  },
});

export const attachedNetwork = tagged('kind', {
  user: strictObject<Extract<AttachedNetwork, { kind: 'user' }>>({ kind: oneOf('a kind', ['user']), egress: optional(egress) }),
  bridge: strictObject<Extract<AttachedNetwork, { kind: 'bridge' }>>({ kind: oneOf('a kind', ['bridge']), range: bridgeRange, egress: optional(egress) }),
});
