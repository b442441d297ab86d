/**
 * Credentials as docker and podman keep them (containers-auth.json(5), docker's config.json). What `login` of either wrote is found;
 * tsrun has no login of its own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonBytes, type JsonObject, type JsonValue } from '../../spec/json.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { askHelper } from './credential-helper.js';
import type { Credential } from './credential.js';
import { codeOf } from './failures.js';
import { configFolder, variable, type RegistryHost } from './registry-host.js';

/** What was found, and what was looked at: for the error of who is refused. */
export interface CredentialSearch {
  readonly credential?: Credential;
  /** For people: one part a file, `'/root/.docker/config.json' has none for it`. */
  readonly looked: readonly string[];
}

/** How docker has the name of its own registry, in auth files and for helpers. */
const dockerHub = 'docker.io';
const dockerHubKey = 'https://index.docker.io/v1/';
const jsonName = 'auths';

/**
 * @param repository with its host: `docker.io/library/alpine`; a key for a path of it goes before one for its host
 * @param authFile the only file to look at; it must be there
 * @throws ERR_TSRUN_REGISTRY where `authFile` cannot be read. Another file's fault is told among `looked`, since most images need no credentials
 */
export async function findCredential(repository: string, authFile: string | undefined, host: RegistryHost): Promise<CredentialSearch> {
  const looked: string[] = [];
  for (const path of authFile === undefined ? authFiles(host) : [authFile]) {
    try {
      const credential = await credentialIn(path, repository, host);
      looked.push(`'${path}' ${credential === undefined ? 'has none for it' : 'has one'}`);
      if (credential !== undefined) return { credential, looked };
    } catch (error) {
      if (authFile !== undefined) throw unreadable(authFile, error);
      looked.push(`'${path}' ${faultOf(error)}`);
    }
  }
  return { looked };
}

/** As podman looks, then docker. `$REGISTRY_AUTH_FILE` stands for all of them. */
function authFiles(host: RegistryHost): readonly string[] {
  const [given, runtime] = [variable(host, 'REGISTRY_AUTH_FILE'), variable(host, 'XDG_RUNTIME_DIR')];
  if (given !== undefined) return [given];
  return [
    runtime === undefined ? `/run/containers/${host.uid}/auth.json` : join(runtime, 'containers/auth.json'),
    join(configFolder(host), 'containers/auth.json'),
    join(variable(host, 'DOCKER_CONFIG') ?? join(host.home, '.docker'), 'config.json'),
  ];
}

/**
 * A file that was named is looked at also where no registry asks for credentials.
 *
 * @throws ERR_TSRUN_REGISTRY where it is not there, or is none
 */
export async function checkAuthFile(path: string): Promise<void> {
  try {
    await readAuthFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readAuthFile(path: string): Promise<JsonObject> {
  return objectOf(parseJsonBytes(await readFile(path), jsonName));
}

function unreadable(path: string, cause: unknown): TsrunError {
  const own = TsrunError.is(cause) && cause.code === 'ERR_TSRUN_REGISTRY' ? cause.hint : undefined;
  return new TsrunError('ERR_TSRUN_REGISTRY', `the auth file '${printable(path, 400)}' ${faultOf(cause)}`, { hint: own ?? 'it is a file as docker login and podman login write it', cause });
}

/** The words of the JSON reader are left out: they show a piece of the file. */
function faultOf(error: unknown): string {
  if (TsrunError.is(error)) {
    const [, line] = new RegExp(`^${jsonName}:(\\d+):`).exec(error.message) ?? [];
    return error.code === 'ERR_TSRUN_REGISTRY' ? `cannot be used: ${error.message}` : `is not JSON${line === undefined ? '' : ` in its line ${line}`}`;
  }
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'is not there' : `cannot be read (${code})`;
}

async function credentialIn(path: string, repository: string, host: RegistryHost): Promise<Credential | undefined> {
  const file = await readAuthFile(path);
  const helpers = objectOf(file['credHelpers']);
  const auths = objectOf(file['auths']);
  const keys = keysOf(repository);
  const server = repository.startsWith(`${dockerHub}/`) ? dockerHubKey : (repository.split('/', 1)[0] ?? repository);
  for (const key of keys.filter((each) => !each.includes('/')).flatMap(formsOf)) {
    const name = helpers[key];
    if (typeof name === 'string' && name !== '') return askHelper(name, server, host);
  }
  for (const key of keys.flatMap(formsOf)) {
    const found = credentialOf(objectOf(auths[key]), key);
    if (found !== undefined) return found;
  }
  const store = file['credsStore'];
  return typeof store === 'string' && store !== '' ? askHelper(store, server, host) : undefined;
}

/** `host/a/b`, `host/a`, `host`, and for docker's own registry what docker calls it. */
function keysOf(repository: string): readonly string[] {
  const parts = repository.split('/');
  const keys = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
  return parts[0] === dockerHub ? [...keys, 'index.docker.io'] : keys;
}

/** docker has written URLs, and the version of the interface behind them. */
function formsOf(key: string): readonly string[] {
  return [key, ...['https', 'http'].flatMap((scheme) => ['', '/', '/v1/', '/v2/'].map((path) => `${scheme}://${key}${path}`))];
}

/** As docker reads it (Go's StdEncoding, which passes over line breaks): others decode what is none to something. */
const base64 = /^[\w+/]+={0,2}$/;

function credentialOf(entry: JsonObject, key: string): Credential | undefined {
  const text = (key: string) => (typeof entry[key] === 'string' ? entry[key] : '');
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken') };
  if (text('registrytoken') !== '') return { kind: 'bearer', token: text('registrytoken') };
  if (text('auth') === '') return text('username') === '' ? undefined : { kind: 'password', username: text('username'), password: text('password') };
  const encoded = text('auth').replace(/[\r\n]/g, '');
  const decoded = base64.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  if (colon < 1) throw new TsrunError('ERR_TSRUN_REGISTRY', `its "auth" for '${printable(key, 256)}' is not base64 of a name, a colon and a password`, { hint: 'log in anew with docker login or podman login' });
  // docker pads what it writes with NULs.
  return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
