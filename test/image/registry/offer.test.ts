import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { offerFromRegistry } from '../../../src/image/registry/offer-registry.js';
import { parseReference } from '../../../src/image/reference.js';
import { readObject, readObjects } from '../../support/json.js';
import { digestOf, failureOf, layerBytes, refuse, registryLab, types, type FakeRegistry } from '../../support/fake-registry.js';

async function lab(t: ExecutionContext) {
  const { hosts, start } = registryLab(t);
  const registry = await start();
  return { registry, hosts, start, pull: (name: string, options = {}) => offerFromRegistry(`${registry.host}/${name}`, { host: hosts.host(), ...options }) };
}

/** Answers questions for manifests with this. */
function serveManifest(registry: FakeRegistry, bytes: Buffer | string, headers: Readonly<Record<string, string | string[]>> = {}): void {
  registry.intercept = ({ url }, response) => {
    if (!url.includes('/manifests/')) return false;
    response.writeHead(200, { 'content-type': types.manifest, ...headers }).end(bytes);
    return true;
  };
}

test('an image by tag, over plain HTTP on loopback: documents, digests, layers from any offset', async (t) => {
  const { registry, pull } = await lab(t);
  const { digest, size } = registry.addImage('v1', ['the first layer', 'second']);
  const image = await pull('team/app:v1');
  t.deepEqual(image.names, [`${registry.host}/team/app:v1`]);
  t.deepEqual(image.manifest.descriptor, { mediaType: types.manifest, digest, size });
  t.is(digestOf(image.manifest.bytes), digest);
  t.is(digestOf(image.config.bytes), image.config.descriptor.digest);
  t.deepEqual(image.layers.map(({ diffId }) => diffId), [digestOf('the first layer'), digestOf('second')]);
  t.is(String(await layerBytes(image)), 'the first layer');
  t.is(String(await layerBytes(image, 0, 4)), 'first layer');
  t.is(String(await layerBytes(image, 1, 6)), '', 'nothing is left to ask for');
  registry.ranges = false;
  t.is(String(await layerBytes(image, 0, 10)), 'layer', 'a server without ranges sends all again');
  await image.close();
});

test('by digest, and by tag and digest, where the digest counts and the tag is not believed', async (t) => {
  const { registry, pull } = await lab(t);
  const { digest } = registry.addImage('v1', ['layer']);
  registry.addImage('v2', ['other']);
  for (const name of [`app@${digest}`, `app:v2@${digest}`]) {
    const image = await pull(name);
    t.is(image.manifest.descriptor.digest, digest);
    t.deepEqual(image.names, [`${registry.host}/app@${digest}`]);
    await image.close();
  }
  const other = registry.manifests.get('v2');
  serveManifest(registry, other?.bytes ?? '');
  const error = await failureOf(pull(`app@${digest}`));
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.message, new RegExp(`the manifest ${digest} was asked for, what came is sha256:`));
});

test('of an index, also in an index, the image for the platform', async (t) => {
  const { registry, pull } = await lab(t);
  const arm = { ...registry.addImage('', ['arm'], 'arm64'), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } };
  const amd = { ...registry.addImage('', ['amd'], 'amd64'), platform: { os: 'linux', architecture: 'amd64' } };
  const inner = registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [arm, amd] }, types.index);
  registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...inner, platform: { os: 'linux', architecture: 'arm64' } }, amd] }, types.index, 'v1');
  for (const [architecture, layer] of [['arm64', 'arm'], ['amd64', 'amd']] as const) {
    const image = await pull('app:v1', { platform: { os: 'linux', architecture } });
    t.is(String(await layerBytes(image)), layer);
    await image.close();
  }
  const error = await failureOf(pull('app:v1', { platform: { os: 'linux', architecture: 'riscv64' } }));
  t.is(error.code, 'ERR_TSRUN_IMAGE');
  t.regex(error.message, /no image for linux\/riscv64: it is for linux\/arm64, linux\/amd64/);
  registry.addImage('s390x', ['layer'], 's390x');
  t.regex((await failureOf(pull('app:s390x'))).message, /no image for linux\/\w+: it is for linux\/s390x/);
});

test('what a registry\'s index says no platform of is looked into, in its order, as in a layout', async (t) => {
  const { registry, pull } = await lab(t);
  const [arm, amd] = [registry.addImage('', ['arm'], 'arm64'), registry.addImage('', ['amd'], 'amd64')];
  const said = [{ ...arm, platform: { os: 'linux', architecture: 'arm64' } }, { ...amd, platform: { os: 'linux', architecture: 'amd64' } }];
  const index = (...manifests: readonly object[]) => registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests }, types.index);
  const tops = [[index(...said)], [index(...said.slice(0, 1)), index(...said.slice(1))], [arm, amd], [index(arm), index(index(amd))]];
  for (const [number, manifests] of tops.entries()) {
    registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests }, types.index, `v${number}`);
    for (const [architecture, layer] of [['arm64', 'arm'], ['amd64', 'amd']] as const) {
      const image = await pull(`app:v${number}`, { platform: { os: 'linux', architecture } });
      t.is(String(await layerBytes(image)), layer, `${number}`);
      await image.close();
    }
    t.regex((await failureOf(pull(`app:v${number}`, { platform: { os: 'linux', architecture: 'riscv64' } }))).message, /no image for linux\/riscv64: it is for linux\/arm64, linux\/amd64$/);
  }
  registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: Array.from({ length: 70 }, () => arm) }, types.index, 'many');
  t.regex((await failureOf(pull('app:many', { platform: { os: 'linux', architecture: 'riscv64' } }))).message, /more than 64 manifests of which no index says the platform$/);
});

test('lists of lists at a registry end somewhere', async (t) => {
  const { registry, pull } = await lab(t);
  let entry = registry.addImage('', ['layer']);
  for (let depth = 0; depth < 6; depth++) entry = registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [entry] }, types.index, `depth${depth}`);
  t.is((await pull('app:depth3')).layers.length, 1);
  t.regex((await failureOf(pull('app:depth4'))).message, /indexes in indexes deeper than 4 levels/);
});

test('a document that is not what it was announced as', async (t) => {
  const { registry, pull } = await lab(t);
  const image = registry.addImage('v1', ['layer']);
  const index = registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [image] }, types.index, 'index');
  registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...index, mediaType: types.manifest }] }, types.index, 'lies');
  t.regex((await failureOf(pull('app:lies'))).message, /the index says that it is '.*manifest\.v1\+json', the answer '.*index/);
  registry.intercept = ({ url }, response) => {
    if (!url.endsWith(index.digest)) return false;
    response.writeHead(200, { 'content-type': 'application/json' }).end(registry.manifests.get('index')?.bytes);
    return true;
  };
  t.regex((await failureOf(pull('app:lies'))).message, /says that it is '.*index.*', but was announced as '.*manifest/);
  registry.intercept = () => false;
  registry.addManifest({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...image, size: 5 }] }, types.index, 'size');
  t.regex((await failureOf(pull('app:size'))).message, /the manifest has \d+ bytes, the index that names it says 5/);
  registry.addManifest({ schemaVersion: 2, manifests: [image], layers: [] }, types.manifest, 'both');
  t.regex((await failureOf(pull('app:both'))).message, /CVE|has 'manifests'/);
  registry.addManifest({ schemaVersion: 1, fsLayers: [] }, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'old');
  t.regex((await failureOf(pull('app:old'))).message, /schema 1/);
});

test('the digest in the header and that of the bytes', async (t) => {
  const { registry, pull } = await lab(t);
  registry.addImage('v1', ['layer']);
  const bytes = registry.manifests.get('v1')?.bytes ?? '';
  const header = (value: string | string[]) => {
    serveManifest(registry, bytes, { 'docker-content-digest': value });
  };
  header(digestOf('other'));
  t.regex((await failureOf(pull('app:v1'))).message, /calls itself "sha256:/);
  header('nonsense');
  t.regex((await failureOf(pull('app:v1'))).message, /calls itself "nonsense"/);
  header([digestOf(bytes), digestOf('other')]);
  t.regex((await failureOf(pull('app:v1'))).message, /calls itself /);
  header(`sha512:${'0'.repeat(128)}`);
  t.is((await pull('app:v1')).layers.length, 1, 'of another algorithm nothing can be said');
});

test('a server that does not know types, and one that packs what nobody asked to be packed', async (t) => {
  const { registry, pull } = await lab(t);
  registry.addImage('v1', ['layer']);
  const bytes = registry.manifests.get('v1')?.bytes ?? '';
  serveManifest(registry, bytes, { 'content-type': 'text/plain; charset=utf-8' });
  t.is((await pull('app:v1')).layers.length, 1);
  serveManifest(registry, gzipSync(bytes), { 'content-encoding': 'gzip' });
  t.is((await pull('app:v1')).manifest.descriptor.digest, digestOf(bytes));
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  t.true(bomb.length < 100_000);
  serveManifest(registry, bomb, { 'content-encoding': 'gzip' });
  t.regex((await failureOf(pull('app:v1'))).message, /: the answer is larger than 4194304 bytes$/);
  serveManifest(registry, bytes, { 'content-encoding': 'gzip' });
  t.regex((await failureOf(pull('app:v1'))).message, /cannot be unpacked/);
  serveManifest(registry, bytes, { 'content-encoding': 'br' });
  t.regex((await failureOf(pull('app:v1'))).message, /packed as 'br'/);
});

test('a manifest without end, one that is too large, and one that is no JSON', async (t) => {
  const { registry, pull } = await lab(t);
  registry.intercept = ({ url }, response) => {
    if (!url.includes('/manifests/')) return false;
    response.writeHead(200, { 'content-type': types.manifest });
    const more = () => {
      while (response.write(' '.repeat(65_536)));
    };
    response.on('drain', more);
    more();
    return true;
  };
  t.regex((await failureOf(pull('app:v1'))).message, /: the answer is larger than 4194304 bytes$/);
  serveManifest(registry, '', { 'content-length': '4194305' });
  t.regex((await failureOf(pull('app:v1'))).message, /: the answer is larger than 4194304 bytes$/);
  serveManifest(registry, '<html>');
  const error = await failureOf(pull('app:v1'));
  t.is(error.code, 'ERR_TSRUN_IMAGE');
  t.regex(error.message, /the manifest "v1" of '127\.0\.0\.1:\d+\/app'/);
});

test('a config that is another one, or that does not fit its manifest', async (t) => {
  const { registry, pull } = await lab(t);
  registry.addImage('v1', ['layer']);
  const config = [...registry.blobs].find(([, bytes]) => bytes.includes('rootfs'));
  registry.blobs.set(config?.[0] ?? '', Buffer.from(String(config?.[1]).replace('linux', 'plan9')));
  t.regex((await failureOf(pull('app:v1'))).message, /the blob sha256:\w+ of '.*' has another digest: sha256:/);
  registry.addManifest({ schemaVersion: 2, config: registry.addBlob(config?.[1] ?? '', types.config), layers: [] }, types.manifest, 'layers');
  t.regex((await failureOf(pull('app:layers'))).message, /has 0 layers, but its config speaks of 1/);
});

test('a layer that lies elsewhere is refused, and nobody is asked for it', async (t) => {
  const { registry, pull } = await lab(t);
  registry.addImage('v1', ['layer']);
  const text = String(registry.manifests.get('v1')?.bytes);
  const manifest = readObject(text);
  const foreign = { ...readObjects(text, 'layers')[0], mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', urls: [`http://${registry.host}/stolen`] };
  registry.addManifest({ ...manifest, layers: [foreign] }, types.manifest, 'foreign');
  t.regex((await failureOf(pull('app:foreign'))).message, /is not for handing on/);
  registry.addManifest({ ...manifest, layers: [{ ...foreign, mediaType: types.layer }] }, types.manifest, 'urls');
  t.is(String(await layerBytes(await pull('app:urls'))), 'layer');
  t.false(registry.paths.includes('/stolen'));
});

test('a tag that is not there: a near one is named, or some', async (t) => {
  const { registry, pull } = await lab(t);
  const tags = (list: unknown) => {
    registry.intercept = ({ url }, response) => {
      if (url.includes('/tags/list')) response.end(JSON.stringify(list));
      return url.includes('/tags/list');
    };
  };
  tags({ name: 'app', tags: ['latest', '3.20', '3.19'] });
  const error = await failureOf(pull('app:3.21'));
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.message, /^http:\/\/127\.0\.0\.1:\d+\/v2\/app\/manifests\/3\.21 answered 404 \(MANIFEST_UNKNOWN: manifest unknown\)$/);
  t.regex(error.hint ?? '', /did you mean the tag '3\.20'/);
  tags({ tags: ['a', 'b', 'c', 'd', 'e', 'f', '\u001b[2J'] });
  t.is((await failureOf(pull('app:production'))).hint, 'it has the tags c, d, e, f, \\u001b[2J and others');
  tags({ tags: 'nonsense' });
  t.regex((await failureOf(pull('app:v1'))).hint ?? '', /knows no tag of it/);
  registry.intercept = () => false;
  t.regex((await failureOf(pull('app:v1'))).hint ?? '', /knows no tag of it/);
});

test('mirrors in their order; what each said is told; a layer that a mirror has not comes from the next place', async (t) => {
  const { registry, hosts, start, pull } = await lab(t);
  const mirror = await start();
  hosts.write('etc/containers/registries.conf', `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "127.0.0.1:1/none"\n[[registry.mirror]]\nlocation = "${mirror.host}/copy"`);
  const error = await failureOf(pull('app:v1'));
  t.regex(error.message, /^no place gave '.*\/app:v1': mirror '127\.0\.0\.1:1\/none\/app': .*nobody listens there; mirror '.*\/copy\/app': .* answered 404 .*; '.*\/app': .* answered 404/);
  registry.addImage('v1', ['of the registry']);
  t.is(String(await layerBytes(await pull('app:v1'))), 'of the registry');
  mirror.addImage('v1', ['of the mirror']);
  const image = await pull('app:v1');
  t.is(String(await layerBytes(image)), 'of the mirror');
  t.deepEqual(image.names, [`${registry.host}/app:v1`], 'it has the name that was asked for');
  t.true(mirror.paths.every((path) => path.startsWith('/v2/copy/app/')));
  mirror.blobs.delete(digestOf('of the mirror'));
  registry.addBlob('of the mirror', types.layer);
  t.is(String(await layerBytes(image)), 'of the mirror');
});

test('short names are searched for where registries.conf says, and aliases name one place', async (t) => {
  const { registry, hosts, start } = await lab(t);
  const second = await start();
  second.addImage('v1', ['second']);
  hosts.write('etc/containers/registries.conf', `unqualified-search-registries = ["${registry.host}", "${second.host}"]\n[aliases]\ntool = "${second.host}/deep/tool"\n`);
  const image = await offerFromRegistry('team/app:v1', { host: hosts.host() });
  t.deepEqual(image.names, [`${second.host}/team/app:v1`]);
  t.true(registry.paths.includes('/v2/team/app/manifests/v1'));
  t.deepEqual((await offerFromRegistry('tool:v1', { host: hosts.host() })).names, [`${second.host}/deep/tool:v1`]);
  t.regex((await failureOf(offerFromRegistry(parseReference('127.0.0.1:1/tool:v1'), { host: hosts.host() }))).message, /nobody listens/, 'a name that is whole is not searched for');
  hosts.write('etc/containers/registries.conf', 'unqualified-search-registries = ["nohost"]\n[aliases]\ntool = "team/tool"\n');
  t.regex((await failureOf(offerFromRegistry('app', { host: hosts.host() }))).message, /^'nohost\/app' of registries\.conf names no registry$/, 'not docker\'s');
  t.regex((await failureOf(offerFromRegistry('tool', { host: hosts.host() }))).message, /^'team\/tool' of registries\.conf names no registry$/);
  hosts.write('etc/containers/registries.conf', `unqualified-search-registries = ["${registry.host}", "${second.host}"]`);
  t.regex((await failureOf(offerFromRegistry('app:v2', { host: hosts.host() }))).message, /none of the registries that registries\.conf names has it: '.*\/app:v2': .*; '.*\/app:v2': /);
});

test('where a person is to choose of several registries, none is asked by itself', async (t) => {
  const { registry, hosts } = await lab(t);
  registry.addImage('v1', ['layer']);
  const settings = (searched: readonly string[], rest = '') => hosts.write('etc/containers/registries.conf', `unqualified-search-registries = ${JSON.stringify(searched)}\nshort-name-mode = "enforcing"\n${rest}`);
  const pull = async (name: string) => offerFromRegistry(name, { host: hosts.host() });
  settings([registry.host, 'docker.io']);
  const count = registry.seen.length;
  const error = await failureOf(pull('team/app:v1'));
  t.regex(error.message, /^'team\/app:v1' may be '127\.0\.0\.1:\d+\/team\/app:v1', 'docker\.io\/team\/app:v1': registries\.conf does not let one be taken by itself/);
  t.is(registry.seen.length, count);
  settings([registry.host, 'docker.io'], `[aliases]\n"team/app" = "${registry.host}/team/app"`);
  t.deepEqual((await pull('team/app:v1')).names, [`${registry.host}/team/app:v1`], 'an alias is a choice');
  settings([registry.host]);
  t.deepEqual((await pull('team/app:v1')).names, [`${registry.host}/team/app:v1`], 'there is nothing to choose');
  settings([], `[aliases]\napp = "${registry.host}/team/app:v1"`);
  t.regex((await failureOf(pull('app'))).message, /of registries\.conf has a tag or a digest$/);
});

test('names that are none, and registries that say what a terminal would obey', async (t) => {
  const { registry, pull } = await lab(t);
  t.is((await failureOf(pull('UPPER'))).code, 'ERR_TSRUN_INVALID_ARGUMENT');
  registry.intercept = ({ url }, response) => {
    if (!url.includes('/manifests/')) return false;
    refuse(response, 400, 'BAD', `\u001b[2J\r\nfake line ${'x'.repeat(10_000)}`);
    return true;
  };
  const { message } = await failureOf(pull('app:v1'));
  t.true(message.length < 500 && !/[\u0000-\u001f]/.test(message), message);
  registry.intercept = ({ url }, response) => {
    if (!url.includes('/manifests/')) return false;
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html>nothing here</html>');
    return true;
  };
  t.regex((await failureOf(pull('app:v1'))).message, /answered 404$/, 'a page for browsers is not repeated');
});
