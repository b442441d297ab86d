/** The client against a registry that is not ours, filled by a tool that is not ours. */
import { execFileSync } from 'node:child_process';
import { randomBytes, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import type { OfferedImage } from '../../src/image/offer.js';
import { offerFromRegistry } from '../../src/image/registry/offer-registry.js';
import { digestOf, failureOf, FakeHosts, layerBytes } from '../support/fake-registry.js';
import { readObjects } from '../support/json.js';
import { needs } from '../support/needs.js';
import { cuttingRelay, RealRegistry, skopeo, writeLayout } from '../support/real-registry.js';

const declare = needs('command:docker-registry', 'command:skopeo', 'command:htpasswd', 'command:openssl');
const layers = [randomBytes(6 * 1024 * 1024), Buffer.from('not an archive, but nobody unpacks it here')] as const;
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

const hosts = new FakeHosts();
const storage = join(hosts.folder, 'storage');
const running: RealRegistry[] = [];
test.after.always(async () => {
  for (const registry of running) await registry.stop();
  hosts.remove();
});

/** A layer as it was before skopeo packed it; what came is what the manifest says. */
async function contentOf(image: OfferedImage, layer = 0): Promise<Buffer> {
  const bytes = await layerBytes(image, layer);
  if (digestOf(bytes) !== image.layers[layer]?.descriptor.digest) throw new Error('another digest came');
  return gunzipSync(bytes);
}

async function start(choices: Parameters<typeof RealRegistry.start>[1] = {}): Promise<RealRegistry> {
  const registry = await RealRegistry.start(storage, choices);
  running.push(registry);
  return registry;
}

declare('what skopeo pushed is what comes: index, documents, layers, from any offset', async (t) => {
  const registry = await start();
  writeLayout(join(hosts.folder, 'layout'), [architecture, 'riscv64'], layers);
  skopeo('copy', '--all', '--dest-tls-verify=false', `oci:${hosts.folder}/layout:v1`, `docker://${registry.host}/team/app:v1`);
  const image = await offerFromRegistry(`${registry.host}/team/app:v1`, { host: hosts.host() });
  const [own, foreign] = readObjects(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/team/app:v1`), 'manifests');
  t.is(image.manifest.descriptor.digest, String(own?.['digest']));
  t.is(image.config.value.architecture, architecture);
  t.deepEqual(image.layers.map(({ diffId }) => diffId), layers.map(digestOf));
  for (const [at, layer] of layers.entries()) t.true((await contentOf(image, at)).equals(layer));
  t.true((await layerBytes(image, 0, 5_000_000)).equals((await layerBytes(image)).subarray(5_000_000)));
  await image.close();
  const other = await offerFromRegistry(`${registry.host}/team/app@${String(foreign?.['digest'])}`, { host: hosts.host(), platform: { os: 'linux', architecture: 'riscv64' } });
  t.is(other.config.value.architecture, 'riscv64');
  await other.close();
});

declare('Docker\'s own documents, as docker push makes them', async (t) => {
  const registry = await start();
  skopeo('copy', '--format', 'v2s2', '--dest-tls-verify=false', `oci:${hosts.folder}/layout:v1`, `docker://${registry.host}/team/docker:v1`);
  const image = await offerFromRegistry(`${registry.host}/team/docker:v1`, { host: hosts.host() });
  t.is(image.manifest.descriptor.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  t.is(image.layers[0]?.descriptor.mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip');
  t.is(digestOf(await contentOf(image)), digestOf(layers[0]));
  await image.close();
});

declare('what is not there', async (t) => {
  const registry = await start();
  const error = await failureOf(offerFromRegistry(`${registry.host}/team/app:v2`, { host: hosts.host() }));
  t.regex(error.message, /answered 404 \(MANIFEST_UNKNOWN: manifest unknown\)/);
  t.is(error.hint, 'did you mean the tag \'v1\'?');
  const unknown = await failureOf(offerFromRegistry(`${registry.host}/nobody/nothing`, { host: hosts.host() }));
  t.regex(unknown.hint ?? '', /knows no tag of it/);
});

declare('a line that is cut every megabyte', async (t) => {
  const registry = await start();
  const relay = await cuttingRelay(registry.port, 1024 * 1024);
  t.teardown(relay.close);
  const image = await offerFromRegistry(`127.0.0.1:${relay.port}/team/app:v1`, { host: hosts.host() });
  t.is(digestOf(await contentOf(image)), digestOf(layers[0]));
  t.true(relay.cuts() >= 5, `${relay.cuts()} cuts`);
  await image.close();
});

declare('TLS and a login that skopeo kept, and one that a helper keeps', async (t) => {
  const certificate = hosts.certificate('registry');
  const path = hosts.write('htpasswd', execFileSync('htpasswd', ['-Bbn', 'me', 'correct horse'], { encoding: 'utf8' }));
  const registry = await start({ certificate, auth: { htpasswd: { realm: 'test', path } } });
  const name = `${registry.host}/team/app:v1`;
  t.regex((await failureOf(offerFromRegistry(name, { host: hosts.host() }))).message, /not to be trusted/);
  hosts.write(`etc/containers/certs.d/${registry.host}/ca.crt`, certificate.ca);
  const anonymous = await failureOf(offerFromRegistry(name, { host: hosts.host() }));
  t.regex(`${anonymous.message} ${anonymous.hint ?? ''}`, /answered 401 .*credentials were looked for/);
  const authFile = join(hosts.folder, 'auth.json');
  execFileSync('skopeo', ['login', '--authfile', authFile, '--cert-dir', join(hosts.folder, `etc/containers/certs.d/${registry.host}`), '-u', 'me', '-p', 'correct horse', registry.host]);
  const image = await offerFromRegistry(name, { host: hosts.host(), authFile });
  t.is(digestOf(await contentOf(image, 1)), digestOf(layers[1]));
  await image.close();
  hosts.write('home/.docker/config.json', JSON.stringify({ credHelpers: { [registry.host]: 'kept' } }));
  hosts.write('bin/docker-credential-kept', '#!/bin/sh\necho "{\\"Username\\":\\"me\\",\\"Secret\\":\\"correct horse\\"}"\n', 0o755);
  const environment = { PATH: `${join(hosts.folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  const helped = await offerFromRegistry(name, { host: hosts.host(environment) });
  t.is(helped.layers.length, 2);
  await helped.close();
  hosts.write('bin/docker-credential-kept', '#!/bin/sh\necho "{\\"Username\\":\\"me\\",\\"Secret\\":\\"wrong horse\\"}"\n', 0o755);
  const refused = await failureOf(offerFromRegistry(name, { host: hosts.host(environment) }));
  t.regex(refused.message, /answered 401/);
  t.notRegex(`${refused.message}${refused.hint ?? ''}`, /horse/);
});

declare('tokens that the registry itself checks', async (t) => {
  const certificate = hosts.certificate('issuer');
  const given: string[] = [];
  const issuer = createServer(({ url = '' }, response) => {
    const query = new URL(url, 'http://x').searchParams;
    const [type = '', name = '', actions = ''] = (query.get('scope') ?? '').split(':');
    given.push(query.get('scope') ?? '');
    const nowS = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(certificate.cert).raw.toString('base64')] };
    // The first one has run out already, which only the registry finds: beyond the minute that it forgives.
    const expires = nowS + (given.length === 1 ? -120 : 300);
    const claims = { iss: 'test', sub: '', aud: query.get('service'), exp: expires, nbf: nowS - 600, iat: nowS - 600, jti: '1', access: [{ type, name, actions: actions.split(',') }] };
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: certificate.key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    response.end(JSON.stringify({ token: `${signed}.${signature}`, expires_in: 300 }));
  });
  issuer.listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  t.teardown(() => {
    issuer.closeAllConnections();
    issuer.close();
  });
  const realm = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
  const registry = await start({ auth: { token: { realm, service: 'a registry', issuer: 'test', rootcertbundle: hosts.write('issuer.pem', certificate.ca) } } });
  const image = await offerFromRegistry(`${registry.host}/team/app:v1`, { host: hosts.host() });
  t.is(digestOf(await contentOf(image)), digestOf(layers[0]));
  t.deepEqual(given, ['repository:team/app:pull', 'repository:team/app:pull'], 'it is replaced when it is refused, and its successor used for all');
  await image.close();
  const other = await offerFromRegistry(`${registry.host}/team/docker:v1`, { host: hosts.host() });
  t.is(digestOf(await contentOf(other)), digestOf(layers[0]));
  t.deepEqual(given.slice(2), ['repository:team/docker:pull'], 'one repository\'s token is not shown for another');
  await other.close();
});
