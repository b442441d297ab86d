/** Names without a registry, which registries.conf may complete otherwise than docker does (containers-registries.conf(5)). */
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { parseReference, wholeName, type RegistryReference } from '../reference.js';
import { registriesConfig, type RegistriesConfig } from './registries-conf.js';
import { thisHost } from './registry-host.js';

/**
 * By the registries.conf of this process: which names `text` may have in the store, if not docker's.
 *
 * @throws ERR_TSRUN_REGISTRY for a file that cannot be understood
 */
export async function namesOfShort(text: string, reference: RegistryReference): Promise<readonly RegistryReference[]> {
  return isShort(text, reference) ? wholeReferences(text, reference, await registriesConfig(thisHost())) : [];
}

/** @throws ERR_TSRUN_REGISTRY where a person is to choose (`short-name-mode = "enforcing"`), as podman has it without a terminal */
export function checkChoice(text: string, names: readonly RegistryReference[], config: RegistriesConfig): void {
  if (!config.isEnforcing || names.length < 2) return;
  const listed = names.slice(0, 10).map((name) => `'${wholeName(name)}'`).join(', ');
  throw new TsrunError('ERR_TSRUN_REGISTRY', `'${printable(text, 256)}' may be ${listed}: registries.conf does not let one be taken by itself (short-name-mode)`, { hint: 'write the registry before the name, or give it an alias in registries.conf' });
}

function isShort(text: string, { domain }: RegistryReference): boolean {
  return domain === 'docker.io' && !/^(index\.)?docker\.io\//.test(text);
}

/**
 * What a name without a registry stands for: what registries.conf says; without a word there, docker's registry.
 *
 * @param text as a person writes it
 * @throws ERR_TSRUN_REGISTRY for what is none of a registry
 */
export function wholeReferences(text: string, reference: RegistryReference, config: RegistriesConfig): readonly RegistryReference[] {
  if (!isShort(text, reference)) return [reference];
  const short = text.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const alias = config.aliases.get(short);
  if (alias !== undefined) return [{ ...reference, ...nameOf(alias) }];
  if (config.searched.length === 0) return [reference];
  return config.searched.map((registry) => (registry === 'docker.io' ? reference : { ...reference, ...nameOf(`${registry}/${short}`) }));
}

/** Of what registries.conf says, where a name without a registry would lead to docker's after all. */
function nameOf(text: string): Pick<RegistryReference, 'domain' | 'path'> {
  const { domain, path } = parseReference(text);
  const name = text.slice(domain.length + 1);
  if (/[:@]/.test(name)) throw new TsrunError('ERR_TSRUN_REGISTRY', `'${printable(text, 256)}' of registries.conf has a tag or a digest`, { hint: 'an alias is of a name alone: the tag is taken from what it stands for' });
  if (text.startsWith(`${domain}/`)) return { domain, path };
  throw new TsrunError('ERR_TSRUN_REGISTRY', `'${printable(text, 256)}' of registries.conf names no registry`, { hint: 'a registry has a dot or a port in its name, or is localhost' });
}
