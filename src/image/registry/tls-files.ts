/**
 * Who vouches for a registry: the host's certificate store, as Go's programs find it, and what docker's and podman's `certs.d` keep for
 * one registry (dockerd(8), containers-certs.d(5)). Node's own list is used where a host has no store.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { TsrunError } from '../../spec/errors.js';
import { configFolder, variable, type RegistryHost } from './registry-host.js';

/** Of Debian, Fedora, openSUSE and Alpine. */
const bundles = ['ssl/certs/ca-certificates.crt', 'pki/tls/certs/ca-bundle.crt', 'ssl/ca-bundle.pem', 'ssl/cert.pem'];
const hintCertificates = 'see containers-certs.d(5): ca.crt, and client.cert with client.key';

/** OpenSSL takes some 0.15 ms to take in a certificate, and a usual store has 140: the event loop gets its turn in between. */
const turnMs = 0.5;
const certificateForm = /-----BEGIN (?:[A-Z0-9]+ )*CERTIFICATE-----[^-]+-----END (?:[A-Z0-9]+ )*CERTIFICATE-----/g;

/** The last store that was read, as OpenSSL has it: once a process, not once a registry. */
let lastStore: { readonly identity: string; readonly context: Promise<SecureContext> } | undefined;

/**
 * @param hostAndPort as the reference has them, `host:5000`
 * @throws ERR_TSRUN_REGISTRY for a file that cannot be read or is no certificate
 */
export async function secureContextFor(hostAndPort: string, host: RegistryHost): Promise<SecureContext> {
  const own = await registryFolder(hostAndPort, host);
  return own === undefined ? hostTrust(host) : ownContext(own, await storePath(host));
}

/**
 * Whom this host trusts.
 *
 * @throws ERR_TSRUN_REGISTRY for a file that cannot be read or is no certificate
 */
export async function hostTrust(host: RegistryHost): Promise<SecureContext> {
  const store = await storePath(host);
  if (store === undefined) return remembered('', () => contextOf({ ca: rootCertificates }, 'Node'));
  const { mtimeMs, size } = await stat(store).catch((cause: unknown) => {
    throw unreadable(store, cause);
  });
  return remembered(`${store} ${mtimeMs} ${size}`, async () => contextOf({ ca: [await certificateFile(store)] }, store));
}

async function remembered(identity: string, make: () => Promise<SecureContext>): Promise<SecureContext> {
  if (lastStore?.identity === identity) return lastStore.context;
  const store = { identity, context: make() };
  lastStore = store;
  // Who asks is told; the next one tries again.
  store.context.catch(() => {
    if (lastStore === store) lastStore = undefined;
  });
  return store.context;
}

/** The folders in which a registry's own certificates may lie; the first that exists counts. */
export function certificateFolders(hostAndPort: string, host: RegistryHost): readonly string[] {
  return [join(configFolder(host), 'containers'), join(host.etc, 'containers'), join(host.etc, 'docker')].map((folder) => join(folder, 'certs.d', hostAndPort));
}

interface RegistryFolder {
  readonly folder: string;
  readonly names: readonly string[];
}

async function registryFolder(hostAndPort: string, host: RegistryHost): Promise<RegistryFolder | undefined> {
  for (const folder of certificateFolders(hostAndPort, host)) {
    const names = await readdir(folder).catch(() => undefined);
    if (names !== undefined) return { folder, names: names.sort() };
  }
  return undefined;
}

async function ownContext({ folder, names }: RegistryFolder, store: string | undefined): Promise<SecureContext> {
  const read = (wanted: readonly string[]) => Promise.all(wanted.map((name) => certificateFile(join(folder, name))));
  const certs = names.filter((name) => name.endsWith('.cert'));
  const keys = certs.map((name) => name.replace(/cert$/, 'key'));
  const lacking = keys.find((name) => !names.includes(name));
  if (lacking !== undefined) throw new TsrunError('ERR_TSRUN_REGISTRY', `'${folder}' has a certificate for this client but no key '${lacking}' to it`, { hint: hintCertificates });
  const ca = [...(store === undefined ? rootCertificates : [await certificateFile(store)]), ...(await read(names.filter((name) => name.endsWith('.crt'))))];
  return contextOf({ ca, ...(certs.length > 0 && { cert: await read(certs), key: await read(keys) }) }, folder);
}

async function storePath(host: RegistryHost): Promise<string | undefined> {
  const given = variable(host, 'SSL_CERT_FILE');
  if (given !== undefined) return given;
  for (const bundle of bundles) {
    const path = join(host.etc, bundle);
    if (await stat(path).then((found) => found.isFile(), () => false)) return path;
  }
  return undefined;
}

interface Material {
  readonly ca: readonly string[];
  readonly cert?: string[];
  readonly key?: string[];
}

/** What Node itself gives the certificates to, one option after the other (tls.createSecureContext). */
interface Taker {
  addCACert(pem: string): void;
}

async function contextOf({ ca, ...own }: Material, source: string): Promise<SecureContext> {
  try {
    const context = createSecureContext({ ca: [], ...own });
    const taker: unknown = context.context;
    // Some other Node, in which it has another name: then all of them in one turn.
    if (!isTaker(taker)) return createSecureContext({ ca: [...ca], ...own });
    let since = performance.now();
    for (const certificate of ca.flatMap((file) => file.match(certificateForm) ?? [])) {
      taker.addCACert(certificate);
      if (performance.now() - since < turnMs) continue;
      await setImmediate();
      since = performance.now();
    }
    return context;
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_REGISTRY', `the certificates of '${source}' cannot be used: ${cause instanceof Error ? cause.message : ''}`, { hint: hintCertificates, cause });
  }
}

function isTaker(value: unknown): value is Taker {
  return typeof value === 'object' && value !== null && 'addCACert' in value && typeof value.addCACert === 'function';
}

async function certificateFile(path: string): Promise<string> {
  return readFile(path, 'latin1').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function unreadable(path: string, cause: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_REGISTRY', `the certificate file '${path}' cannot be read`, { hint: hintCertificates, cause });
}
