/**
 * `registries.conf` in version 2 (containers-registries.conf(5)): which registries have mirrors, may be spoken to in the clear, or must
 * not be asked, and what a short name stands for.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printable, show } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { codeOf } from './failures.js';
import { configFolder, variable, type RegistryHost } from './registry-host.js';

export interface RegistryRule {
  /** `host`, `host/path`, or `*.host`. */
  readonly prefix: string;
  /** Stands in the prefix's place; empty: nothing is replaced. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
  /** The file that says so. */
  readonly source: string;
}

export interface RegistryMirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly pull: 'all' | 'digest-only' | 'tag-only';
}

export interface RegistriesConfig {
  readonly rules: readonly RegistryRule[];
  /** For names without a registry, in their order. */
  readonly searched: readonly string[];
  /** `short-name-mode`: of several registries a person is to choose. */
  readonly isEnforcing: boolean;
  /** Short name → whole name. */
  readonly aliases: ReadonlyMap<string, string>;
}

const mostBytes = 1024 * 1024;
const hint = 'see containers-registries.conf(5) for how it is written';

/** @throws ERR_TSRUN_REGISTRY for a file that cannot be read or understood: what it blocks would be asked otherwise */
export async function registriesConfig(host: RegistryHost): Promise<RegistriesConfig> {
  const rules = new Map<string, RegistryRule>();
  const aliases = new Map<string, string>();
  let searched: readonly string[] = [];
  let isEnforcing = false;
  for (const path of await configFiles(host)) {
    const file = await readConfig(path);
    if (file === undefined) continue;
    for (const rule of file.rules) rules.set(rule.prefix, rule);
    for (const [name, target] of file.aliases) setAlias(aliases, name, target);
    searched = file.searched ?? searched;
    isEnforcing = file.isEnforcing ?? isEnforcing;
  }
  const chosen = await readConfig(chosenAliases(host));
  for (const [name, target] of chosen?.aliases ?? []) setAlias(aliases, name, target);
  return { rules: [...rules.values()], searched, isEnforcing, aliases };
}

/** An empty one takes away what an earlier file says. */
function setAlias(aliases: Map<string, string>, name: string, target: string): void {
  if (target === '') aliases.delete(name);
  else aliases.set(name, target);
}

/** Where podman keeps what a person chose of several registries; it goes before all files. */
function chosenAliases(host: RegistryHost): string {
  const folder = host.uid === 0 ? '/var/cache' : (variable(host, 'XDG_CACHE_HOME') ?? join(host.home, '.cache'));
  return join(folder, 'containers/short-name-aliases.conf');
}

/** The user's file stands for the system's; of the folders beside them each file is added, the user's last. */
async function configFiles(host: RegistryHost): Promise<readonly string[]> {
  const given = variable(host, 'CONTAINERS_REGISTRIES_CONF');
  const system = join(host.etc, 'containers/registries.conf');
  const own = join(configFolder(host), 'containers/registries.conf');
  const main = given ?? ((await exists(own)) ? own : system);
  return [main, ...(await dropIns(`${system}.d`)), ...(await dropIns(`${own}.d`))];
}

async function dropIns(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.conf')).sort().map((name) => join(folder, name));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, (error: unknown) => codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR');
}

interface ConfigFile {
  readonly rules: readonly RegistryRule[];
  readonly searched: readonly string[] | undefined;
  readonly isEnforcing: boolean | undefined;
  readonly aliases: ReadonlyMap<string, string>;
}

async function readConfig(path: string): Promise<ConfigFile | undefined> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw broken(path, `cannot be read (${codeOf(cause)})`, cause);
  }
  if (text.length > mostBytes) throw broken(path, 'is too large');
  const { parse } = await import('smol-toml');
  let table: unknown;
  try {
    table = parse(text);
  } catch (cause) {
    throw broken(path, `is not TOML: ${cause instanceof Error ? printable(cause.message.split('\n', 1)[0] ?? '', 200) : ''}`, cause);
  }
  return new ConfigReader(path).file(table);
}

function broken(path: string, why: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_REGISTRY', `'${path}' ${why}`, { hint, cause });
}

type Table = Readonly<Record<string, unknown>>;

/** Of a parsed file; what has the wrong type is an error, what is unknown is for other programs. */
class ConfigReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  file(value: unknown): ConfigFile {
    const table = this.#table(value, 'the file');
    if (table['registries'] !== undefined) throw broken(this.#path, 'is written in version 1 of its format, whose [registries.…] tsrun does not read');
    const searched = table['unqualified-search-registries'];
    const aliases = Object.entries(this.#table(table['aliases'] ?? {}, 'aliases')).map(([name, target]) => [name, this.#text(target, `aliases.${name}`)] as const);
    return {
      rules: this.#list(table['registry'] ?? [], 'registry').map((each) => this.#rule(this.#table(each, 'registry'))),
      searched: searched === undefined ? undefined : this.#list(searched, 'unqualified-search-registries').map((each) => this.#text(each, 'unqualified-search-registries')),
      isEnforcing: this.#isEnforcing(table['short-name-mode']),
      aliases: new Map(aliases),
    };
  }

  #isEnforcing(mode: unknown): boolean | undefined {
    if (mode === undefined || mode === '') return undefined;
    if (mode !== 'enforcing' && mode !== 'permissive' && mode !== 'disabled') throw broken(this.#path, `has ${show(mode)} as short-name-mode`);
    return mode === 'enforcing';
  }

  #rule(table: Table): RegistryRule {
    const location = this.#location(table['location'] ?? '', 'location');
    const prefix = this.#location(table['prefix'] ?? '', 'prefix') || location;
    if (prefix === '') throw broken(this.#path, 'has a [[registry]] without location and prefix');
    const byDigestOnly = this.#flag(table['mirror-by-digest-only'], 'mirror-by-digest-only');
    return {
      prefix,
      location,
      insecure: this.#flag(table['insecure'], 'insecure'),
      blocked: this.#flag(table['blocked'], 'blocked'),
      mirrors: this.#list(table['mirror'] ?? [], 'registry.mirror').map((each) => this.#mirror(this.#table(each, 'registry.mirror'), byDigestOnly)),
      source: this.#path,
    };
  }

  #mirror(table: Table, byDigestOnly: boolean): RegistryMirror {
    const pull = table['pull-from-mirror'] ?? (byDigestOnly ? 'digest-only' : 'all');
    if (pull !== 'all' && pull !== 'digest-only' && pull !== 'tag-only') throw broken(this.#path, `has ${show(pull)} as pull-from-mirror`);
    const location = this.#location(table['location'], 'registry.mirror.location');
    if (location === '') throw broken(this.#path, 'has a [[registry.mirror]] without location');
    return { location, insecure: this.#flag(table['insecure'], 'insecure'), pull };
  }

  #location(value: unknown, name: string): string {
    const text = this.#text(value, name).replace(/\/+$/, '');
    if (/^https?:\/\/|[\s?#@\\]/.test(text)) throw broken(this.#path, `has ${show(text)} as ${name}, which is a host with a path perhaps, without http://`);
    return text;
  }

  #text(value: unknown, name: string): string {
    if (typeof value !== 'string') throw broken(this.#path, `has ${show(value)} as ${printable(name)}, not text`);
    return value;
  }

  #flag(value: unknown, name: string): boolean {
    if (value !== undefined && typeof value !== 'boolean') throw broken(this.#path, `has ${show(value)} as ${name}, not true or false`);
    return value ?? false;
  }

  #list(value: unknown, name: string): readonly unknown[] {
    if (!Array.isArray(value)) throw broken(this.#path, `has ${show(value)} as ${name}, not a list`);
    return value;
  }

  #table(value: unknown, name: string): Table {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(this.#path, `has ${show(value)} as ${printable(name)}, not a table`);
    return Object.fromEntries(Object.entries(value));
  }
}
