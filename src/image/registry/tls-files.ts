/**
 * Who vouches for a registry: the host's certificate store, as Go's programs find it, and what docker's and podman's `certs.d` keep for
 * one registry (dockerd(8), containers-certs.d(5)). Node's own list is used where a host has no store.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { TsrunError } from '../../spec/errors.js';
import { configFolder, variable, type RegistryHost } from './registry-host.js';

/** What node:tls takes. */
export interface TlsMaterial {
  readonly ca: string[];
  readonly cert?: string[];
  readonly key?: string[];
}

/** Of Debian, Fedora, openSUSE and Alpine. */
const bundles = ['ssl/certs/ca-certificates.crt', 'pki/tls/certs/ca-bundle.crt', 'ssl/ca-bundle.pem', 'ssl/cert.pem'];
const hintCertificates = 'see containers-certs.d(5): ca.crt, and client.cert with client.key';

/** @param hostAndPort as the reference has them, `host:5000` */
export async function tlsMaterial(hostAndPort: string, host: RegistryHost): Promise<TlsMaterial> {
  const [store, own] = await Promise.all([systemStore(host), registryFolder(hostAndPort, host)]);
  if (own === undefined) return { ca: store };
  const read = async (suffix: string) => Promise.all(own.names.filter((name) => name.endsWith(suffix)).map((name) => certificateFile(join(own.folder, name))));
  const certs = own.names.filter((name) => name.endsWith('.cert'));
  const keys = certs.map((name) => name.replace(/cert$/, 'key'));
  const lacking = keys.find((name) => !own.names.includes(name));
  if (lacking !== undefined) {
    throw new TsrunError('ERR_TSRUN_REGISTRY', `'${own.folder}' has a certificate for this client but no key '${lacking}' to it`, { hint: hintCertificates });
  }
  const ca = [...store, ...(await read('.crt'))];
  if (certs.length === 0) return { ca };
  return { ca, cert: await read('.cert'), key: await Promise.all(keys.map((name) => certificateFile(join(own.folder, name)))) };
}

/** The folders in which a registry's own certificates may lie; the first that exists counts. */
export function certificateFolders(hostAndPort: string, host: RegistryHost): readonly string[] {
  return [join(configFolder(host), 'containers'), join(host.etc, 'containers'), join(host.etc, 'docker')].map((folder) => join(folder, 'certs.d', hostAndPort));
}

async function registryFolder(hostAndPort: string, host: RegistryHost): Promise<{ readonly folder: string; readonly names: readonly string[] } | undefined> {
  for (const folder of certificateFolders(hostAndPort, host)) {
    const names = await readdir(folder).catch(() => undefined);
    if (names !== undefined) return { folder, names: names.sort() };
  }
  return undefined;
}

async function systemStore(host: RegistryHost): Promise<string[]> {
  const given = variable(host, 'SSL_CERT_FILE');
  if (given !== undefined) return [await certificateFile(given)];
  for (const bundle of bundles) {
    const text = await readFile(join(host.etc, bundle), 'latin1').catch(() => undefined);
    if (text !== undefined) return [text];
  }
  return [...rootCertificates];
}

async function certificateFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_REGISTRY', `the certificate file '${path}' cannot be read`, { hint: hintCertificates, cause });
  }
}
