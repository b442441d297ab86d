import test from 'ava';
import type { OfferedImage } from '../../../src/image/offer.js';
import { offerFromRegistry } from '../../../src/image/registry/offer-registry.js';
import { FakeHosts, FakeRegistry, digestOf, types } from '../../support/fake-registry.js';

const hosts = new FakeHosts();
test.after.always(() => {
  hosts.remove();
});

async function bytesOf(image: OfferedImage, layer: number, offset = 0): Promise<string> {
  const parts: Buffer[] = [];
  const stream = await image.layers[layer]?.open({ offset });
  for await (const part of (stream ?? []) as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('an image by tag, over plain HTTP on loopback: documents, digests, layers from any offset', async (t) => {
  const registry = await FakeRegistry.start();
  t.teardown(() => {
    registry.close();
  });
  const { digest, size } = registry.addImage('v1', ['the first layer', 'second']);
  const image = await offerFromRegistry(`${registry.host}/team/app:v1`, { host: hosts.host() });
  t.deepEqual(image.names, [`${registry.host}/team/app:v1`]);
  t.deepEqual(image.manifest.descriptor, { mediaType: types.manifest, digest, size });
  t.is(digestOf(image.manifest.bytes), digest);
  t.is(digestOf(image.config.bytes), image.config.descriptor.digest);
  t.deepEqual(image.layers.map(({ diffId }) => diffId), [digestOf('the first layer'), digestOf('second')]);
  t.is(await bytesOf(image, 0, 0), 'the first layer');
  t.is(await bytesOf(image, 0, 4), 'first layer');
  t.is(await bytesOf(image, 1, 6), '');
  registry.ranges = false;
  t.is(await bytesOf(image, 0, 10), 'layer');
  await image.close();
});
