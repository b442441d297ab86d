/** What nft(8) is told, as text. Each script is one transaction: all of it holds, or nothing. */
import { parseCidr, parsePorts, type EgressRule, type PortRange } from '../spec/networks.js';

const table = 'inet tsrun';
/** Begins the name of each interface on the host; what comes from one is a container's. */
export const linkPrefix = 'tsrun';
const ours = `"${linkPrefix}*"`;

/** An answer at once: the program need not wait for its time to run out. */
const refuse = 'reject with icmpx type admin-prohibited';
const answers = 'ct state established,related accept';
/** Without these no neighbour is found (RFC 4861). */
const neighbours = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept';

function rules(chain: string, lines: readonly string[]): string[] {
  return lines.map((line) => `add rule ${table} ${chain} ${line}`);
}

function baseChain(name: string, hook: string, lines: readonly string[], policy = 'accept'): string[] {
  return [`add chain ${table} ${name} { type ${hook}; policy ${policy}; }`, `flush chain ${table} ${name}`, ...rules(name, lines)];
}

/** What all containers on bridges have in common; the same however often it is said. */
function common(): string[] {
  return [
    `add table ${table}`,
    `add map ${table} egress { type ifname : verdict; }`,
    // Who has CAP_NET_RAW may write any source.
    ...baseChain('sources', 'filter hook prerouting priority raw', [`iifname ${ours} fib saddr . iif oif missing drop`]),
    ...baseChain('forward', 'filter hook forward priority filter', [
      `iifname ${ours} oifname ${ours} ${refuse}`,
      `iifname ${ours} ${answers}`,
      'iifname vmap @egress',
      `oifname ${ours} ${answers}`,
      `oifname ${ours} drop`,
    ]),
    // The host itself is reached only by who has a list that names it.
    ...baseChain('input', 'filter hook input priority filter', [
      `iifname ${ours} ${answers}`,
      `iifname ${ours} ${neighbours}`,
      'iifname vmap @egress',
      `iifname ${ours} ${refuse}`,
    ]),
    ...baseChain('leaving', 'nat hook postrouting priority srcnat', [`iifname ${ours} oifname != ${ours} masquerade`]),
  ];
}

/** Also when there was none: nothing of an earlier container of this address holds. */
function withoutList(link: string): string[] {
  return [
    `add chain ${table} ${link}`,
    `add element ${table} egress { "${link}" : goto ${link} }`,
    `delete element ${table} egress { "${link}" }`,
    `flush chain ${table} ${link}`,
    `delete chain ${table} ${link}`,
  ];
}

function withList(link: string, egress: readonly EgressRule[]): string[] {
  return [
    `add chain ${table} ${link}`,
    `flush chain ${table} ${link}`,
    ...rules(link, [...egress.flatMap(accepted), refuse]),
    `add element ${table} egress { "${link}" : goto ${link} }`,
  ];
}

/** On the host, before the container's program runs. */
export function bridgeScript(link: string, egress: readonly EgressRule[] | undefined): string {
  return text([...common(), ...(egress === undefined ? withoutList(link) : withList(link, egress))]);
}

/** On the host, when the container has ended. */
export function endScript(link: string): string {
  return text([`add table ${table}`, `add map ${table} egress { type ifname : verdict; }`, ...withoutList(link)]);
}

/**
 * The loopback of the host, which is reached by what makes sockets of packets. A program without any right sends them there by naming the
 * interface (SO_BINDTODEVICE needs none since Linux 5.7): no route forbids it, since what has an interface and no route counts as on link.
 */
const hostLoopback = ['ip daddr { 0.0.0.0/8, 127.0.0.0/8 }', 'ip6 daddr { ::, ::1, ::ffff:0:0/96 }'].map((to) => `${to} ${refuse}`);

/** In the container's own namespace, where its program has no right to change it. */
export function ownScript(egress: readonly EgressRule[] | undefined): string {
  const begin = ['oifname "lo" accept', ...hostLoopback];
  const list = egress === undefined ? [] : [answers, neighbours, ...egress.flatMap(accepted), refuse];
  return text([`add table ${table}`, ...baseChain('output', 'filter hook output priority filter', [...begin, ...list], egress === undefined ? 'accept' : 'drop')]);
}

function accepted({ cidr, ports = [], protocol }: EgressRule): string[] {
  const to = `${parseCidr(cidr)?.family === 6 ? 'ip6' : 'ip'} daddr ${cidr}`;
  if (ports.length === 0) return [protocol === undefined ? `${to} accept` : `${to} meta l4proto ${protocol} accept`];
  const set = merged(ports).map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
  return (protocol === undefined ? ['tcp', 'udp'] : [protocol]).map((each) => `${to} ${each} dport { ${set} } accept`);
}

/** nft takes no set whose parts lie over each other. */
function merged(ports: readonly (number | string)[]): PortRange[] {
  const sorted = ports.map(parsePorts).filter((range) => range !== undefined).sort((a, b) => a.first - b.first);
  const all: PortRange[] = [];
  for (const range of sorted) {
    const before = all.at(-1);
    if (before !== undefined && range.first <= before.last + 1) all.splice(-1, 1, { first: before.first, last: Math.max(before.last, range.last) });
    else all.push(range);
  }
  return all;
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
