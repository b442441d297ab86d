// Blobs of a registry on their way into a store: each fetched once, and from the next place where one gives what it is not.
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { offerFromRegistry } from '../../../src/image/registry/offer-registry.js';
import { failureOf, registryLab, type FakeRegistry } from '../../support/fake-registry.js';
import { makeImage, makeLayer, storeLab, type MadeLayer } from '../../support/store-lab.js';

const layer = makeLayer({ content: 'hello' });
const image = makeImage([layer], { architecture: process.arch === 'x64' ? 'amd64' : 'arm64' });

function publish(registry: FakeRegistry, { digest, bytes }: { readonly digest: string; readonly bytes: Buffer } = { digest: '', bytes: Buffer.alloc(0) }): void {
  registry.blobs.set(image.config.descriptor.digest, image.config.bytes).set(layer.descriptor.digest, layer.bytes).set(digest, bytes);
  registry.manifests.set('1', { bytes: image.manifest.bytes, type: image.manifest.descriptor.mediaType });
}

async function lab(t: ExecutionContext) {
  const { hosts, start } = registryLab(t);
  const [mirror, origin, store] = [await start(), await start(), await storeLab(t).open()];
  hosts.write('etc/containers/registries.conf', `[[registry]]\nlocation = "${origin.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"\n`);
  const pull = async () => {
    const offer = await offerFromRegistry(`${origin.host}/app:1`, { host: hosts.host(), take: async (blob) => store.take(blob, undefined) });
    try {
      return await store.import(offer, { names: [], tell: () => undefined });
    } finally {
      await offer.close();
    }
  };
  return { mirror, origin, store, pull };
}

function blobsOf(registry: FakeRegistry): readonly string[] {
  return registry.seen.filter(({ url }) => url.includes('/blobs/')).map(({ url }) => url.replace(/.*\//, ''));
}

function changed({ bytes }: { readonly bytes: Buffer }): Buffer {
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]);
}

const wrong: readonly (readonly [string, { readonly descriptor: MadeLayer['descriptor']; readonly bytes: Buffer }])[] = [['layer', layer], ['config', image.config]];
for (const [what, blob] of wrong) {
  test(`a ${what} that a mirror has in another form is fetched from the next place`, async (t) => {
    const { mirror, origin, store, pull } = await lab(t);
    const { digest } = blob.descriptor;
    publish(mirror, { digest, bytes: changed(blob) });
    publish(origin);
    await pull();
    t.deepEqual(readFileSync(store.parts.layout.blob(digest)), blob.bytes);
    t.deepEqual([blobsOf(mirror).length, blobsOf(origin)], [2, [digest]]);
  });

  test(`a ${what} that no place has as it should be is refused, and who gave it is named`, async (t) => {
    const { mirror, origin, pull } = await lab(t);
    const { digest } = blob.descriptor;
    for (const registry of [mirror, origin]) publish(registry, { digest, bytes: changed(blob) });
    const { code, message } = await failureOf(pull());
    t.is(code, 'ERR_TSRUN_IMAGE');
    t.true(message.endsWith(`; the blob came from '${origin.host}/app'`), message);
  });
}

test('the config of an image that is there is not fetched again, unless it is damaged', async (t) => {
  const { mirror, store, pull } = await lab(t);
  publish(mirror);
  await pull();
  mirror.seen.length = 0;
  await pull();
  t.deepEqual(blobsOf(mirror), []);
  const { digest } = image.config.descriptor;
  writeFileSync(store.parts.layout.blob(digest), changed(image.config));
  await pull();
  t.deepEqual(blobsOf(mirror), [digest]);
  t.deepEqual(readFileSync(store.parts.layout.blob(digest)), image.config.bytes);
});
