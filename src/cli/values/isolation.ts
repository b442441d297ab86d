/** Values of the flags that open or close walls: capabilities, security options, namespaces, clocks, names and addresses. */
import { isIP } from 'node:net';
import { capabilityNames, isContainerId, nearest, parseEgressRule, readCapability, type EgressRule, type NamespaceChoice, type RunOptions } from '../../index.js';
import { quote } from '../escape.js';
import { containerNameForm, parseBoolean, parseInteger, parsePair, requireText, type Pair } from './basic.js';
import { readSeccompProfile } from './seccomp-file.js';
import { ValueError, type ValueContext, type ValueType } from './value-type.js';

const shortCapabilities = capabilityNames.map((name) => name.replace(/^CAP_/, ''));

/** A capability in the kernel's spelling, `CAP_NET_RAW`, or `ALL`. */
export const capability: ValueType<string> = {
  kind: 'string',
  placeholder: 'CAP',
  completion: ['ALL', ...shortCapabilities],
  parse: (text) => {
    if (text.toUpperCase() === 'ALL') return 'ALL';
    const name = readCapability(text);
    if (name !== undefined) return name;
    const meant = nearest(text.replace(/^cap_/i, ''), shortCapabilities);
    throw new ValueError(`no such capability${meant === undefined ? '' : `, did you mean ${meant}?`}`, 'capabilities(7) lists them; ALL means every one');
  },
};

export type SecurityOptions = Pick<RunOptions, 'noNewPrivileges' | 'seccomp' | 'landlock' | 'systemPaths' | 'apparmor'>;

const securityParsers: Readonly<Record<string, (value: string, context: ValueContext) => SecurityOptions>> = {
  'no-new-privileges': (value) => ({ noNewPrivileges: value === '' || parseBoolean(value) }),
  seccomp: (value, context) =>
    value === 'unconfined' || value === 'default' ? { seccomp: value } : { seccomp: readSeccompProfile(value, context) },
  landlock: (value) => ({ landlock: choice(value, ['on', 'off']) === 'on' }),
  systempaths: (value) => ({ systemPaths: choice(value, ['unconfined', 'masked']) }),
  apparmor: (value) => ({ apparmor: requireText(value, 'the name of an AppArmor profile') }),
};

export const securityOption: ValueType<SecurityOptions> = {
  kind: 'pairs',
  placeholder: 'NAME[=VALUE]',
  completion: [
    ...['no-new-privileges', 'no-new-privileges=false', 'seccomp=default', 'seccomp=unconfined', 'seccomp='],
    ...['landlock=on', 'landlock=off', 'systempaths=unconfined', 'apparmor='],
  ],
  parse: (text, context) => {
    // Docker still takes `name:value`, the form that it had first.
    const { key, value } = parsePair(text.replace(/^([a-z-]+):/, '$1='), { valueRequired: false });
    if (key === 'label') throw new ValueError('SELinux labels are not supported');
    const parse = Object.hasOwn(securityParsers, key) ? securityParsers[key] : undefined;
    if (parse !== undefined) return parse(value, context);
    const known = Object.keys(securityParsers);
    const meant = nearest(key, known);
    throw new ValueError(`unknown option ${quote(key)}${meant === undefined ? '' : `, did you mean ${quote(meant)}?`}`, `allowed are ${known.join(', ')}`);
  },
};

function choice<Word extends string>(value: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new ValueError(`expected one of ${words.join(', ')} after "="`);
  return word;
}

type JoinedOrWord<Word> = Word | { readonly path: string } | { readonly container: string };

function namespaceChoice<Word extends string>(text: string, words: readonly Word[]): JoinedOrWord<Word> {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  if (text.startsWith('ns:')) {
    const path = text.slice(3);
    if (!path.startsWith('/') || path.includes('\0')) throw new ValueError('expected an absolute path after "ns:"');
    return { path };
  }
  if (text.startsWith('container:')) {
    const name = text.slice('container:'.length);
    if (!isContainerId(name)) throw new ValueError(`${quote(name)} cannot be the name of a container`, `names have ${containerNameForm}`);
    return { container: name };
  }
  throw new ValueError(`expected one of ${[...words, 'container:NAME', 'ns:PATH'].join(', ')}`);
}

/** `private` (a new one), `host`, or one that is there already: `container:NAME`, `ns:PATH`. */
export const namespace: ValueType<NamespaceChoice> = {
  kind: 'string',
  placeholder: 'private|host|container:NAME|ns:PATH',
  completion: ['private', 'host', 'container:', 'ns:'],
  parse: (text) => {
    const value = namespaceChoice(text, ['private', 'host'] as const);
    return value === 'private' ? 'new' : value;
  },
};

export const network: ValueType<NonNullable<RunOptions['network']>> = {
  kind: 'string',
  placeholder: 'none|user|bridge|host|container:NAME|ns:PATH',
  completion: ['none', 'user', 'bridge', 'host', 'container:', 'ns:'],
  parse: (text) => namespaceChoice(text, ['none', 'user', 'bridge', 'host'] as const),
};

/** `10.0.0.0/8:443,8000-8999/tcp`; `*` stands for all ports, and an IPv6 address with ports is in brackets. */
export const egressRule: ValueType<EgressRule> = {
  kind: 'string',
  placeholder: 'CIDR[:PORTS[/PROTOCOL]]',
  parse: (text) => {
    const rule = parseEgressRule(text);
    if (rule === undefined) throw new ValueError('expected an address or a range, with ports if not all may be reached', 'as in 10.0.0.0/8:443,8000-8999/tcp or [2001:db8::1]:53/udp');
    return rule;
  },
};

/** `monotonic=SECS,boottime=SECS`; either may be left out, both may be negative. */
export const timeOffsets: ValueType<NonNullable<RunOptions['timeOffsets']>> = {
  kind: 'pairs',
  placeholder: 'monotonic=SECS,boottime=SECS',
  completion: ['monotonic=', 'boottime='],
  parse: (text) => {
    let offsets: NonNullable<RunOptions['timeOffsets']> = {};
    for (const field of text.split(',')) {
      const { key, value } = parsePair(field, { valueRequired: true });
      const clock = (['monotonic', 'boottime'] as const).find((name) => name === key);
      if (clock === undefined) throw new ValueError(`unknown clock ${quote(key)}`, 'allowed are monotonic, boottime');
      if (offsets[clock] !== undefined) throw new ValueError(`${quote(clock)} is given twice`);
      // time_namespaces(7): an offset may not exceed half of what a ktime_t holds, about 146 years.
      offsets = { ...offsets, [clock]: parseInteger(value, { min: -4_611_686_018, max: 4_611_686_018 }) };
    }
    return offsets;
  },
};

export const address: ValueType<string> = {
  kind: 'string',
  placeholder: 'IP',
  parse: (text) => {
    if (isIP(text) === 0) throw new ValueError('expected an IPv4 or IPv6 address');
    return text;
  },
};

/** `name:address` (or `name=address`) for /etc/hosts. */
export const hostEntry: ValueType<Pair> = {
  kind: 'pairs',
  placeholder: 'NAME:IP',
  parse: (text) => {
    const [, key = '', raw = ''] = /^([A-Za-z0-9][A-Za-z0-9._-]*)[:=](.+)$/s.exec(text) ?? [];
    if (key === '') throw new ValueError('expected NAME:IP');
    if (raw === 'host-gateway') throw new ValueError('there is no gateway to the host', 'write the address itself');
    const value = raw.replace(/^\[(.*)\]$/s, '$1');
    if (isIP(value) === 0) throw new ValueError(`${quote(raw)} is not an IPv4 or IPv6 address`);
    return { key, value };
  },
};
