/** Where an image is looked for: mirrors in their order, then the registry itself, as registries.conf has them. */
import { show } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import type { RegistriesConfig, RegistryRule } from './registries-conf.js';

/** A repository on one server. */
export interface Place {
  /** As people know it, and credentials are kept for it: `docker.io/library/alpine`. */
  readonly name: string;
  /** Where it answers: `host`, `host:port`. */
  readonly host: string;
  /** `library/alpine`. */
  readonly repository: string;
  /** Plain HTTP and unknown certificates will do. */
  readonly insecure: boolean;
  /** A mirror of the registry that was meant. */
  readonly mirror: boolean;
}

/** Where docker's registry really answers. */
const aliases = new Map([['docker.io', 'registry-1.docker.io'], ['index.docker.io', 'registry-1.docker.io']]);

/**
 * @param name with its host: `docker.io/library/alpine`
 * @throws ERR_TSRUN_REGISTRY where a file blocks it
 */
export function placesOf(name: string, byDigest: boolean, config: RegistriesConfig, insecure: boolean): readonly Place[] {
  const rule = ruleFor(name, config.rules);
  if (rule === undefined) return [place(name, insecure, false)];
  if (rule.blocked) {
    throw new TsrunError('ERR_TSRUN_REGISTRY', `the registry of ${show(name)} is blocked`, { hint: `'${rule.source}' says so of ${show(rule.prefix)}` });
  }
  const mirrors = rule.mirrors.filter(({ pull }) => pull === 'all' || byDigest === (pull === 'digest-only'));
  const own = place(rewritten(name, rule, rule.location), insecure || rule.insecure, false);
  return [...mirrors.map((mirror) => place(rewritten(name, rule, mirror.location), insecure || mirror.insecure, true)), own];
}

/** The one with the longest prefix. */
function ruleFor(name: string, rules: readonly RegistryRule[]): RegistryRule | undefined {
  let best: RegistryRule | undefined;
  for (const rule of rules) if (matched(name, rule.prefix) !== undefined && rule.prefix.length > (best?.prefix.length ?? 0)) best = rule;
  return best;
}

/** What of the name a prefix stands for: the host and whole parts of the path, or every host below one for `*.host`. */
function matched(name: string, prefix: string): string | undefined {
  if (!prefix.startsWith('*.')) return name === prefix || name.startsWith(`${prefix}/`) ? prefix : undefined;
  const [host = ''] = name.split('/', 1);
  return host.replace(/:\d+$/, '').endsWith(prefix.slice(1)) || host.endsWith(prefix.slice(1)) ? host : undefined;
}

function rewritten(name: string, rule: RegistryRule, location: string): string {
  const replaced = matched(name, rule.prefix);
  return location === '' || replaced === undefined ? name : location + name.slice(replaced.length);
}

function place(name: string, insecure: boolean, mirror: boolean): Place {
  const slash = name.indexOf('/');
  if (slash < 1) throw new TsrunError('ERR_TSRUN_REGISTRY', `${show(name)} names a registry but no image on it`, { hint: 'see the location of that registry in registries.conf' });
  const host = name.slice(0, slash);
  return { name, host: aliases.get(host) ?? host, repository: name.slice(slash + 1), insecure, mirror };
}
