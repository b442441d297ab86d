import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import type { ImageProgress } from '../../../src/image/image-types.js';
import type { OfferedImage } from '../../../src/image/offer.js';
import { partPath } from '../../../src/image/store/arrival.js';
import type { ImageRecord } from '../../../src/image/store/records.js';
import type { ImageStore } from '../../../src/image/store/store.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { makeImage, makeLayer, offerLayer, storeLab, unpackWithTar, type StoreLab } from '../../support/store-lab.js';

async function importInto(store: ImageStore, offer: OfferedImage, signal?: AbortSignal): Promise<ImageRecord> {
  return store.import(offer, { names: offer.names, tell: () => undefined, signal });
}

function leftIn({ root }: StoreLab): string[] {
  return ['tmp', 'locks'].flatMap((folder) => readdirSync(join(root, folder))).filter((name) => name !== 'use');
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('an image is there with its layers, its blobs and its name, and nothing else', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const layers = [makeLayer({ 'etc/passwd': 'root:x:0:0::/root:\n' }), makeLayer({ 'bin/sh': '#!' })];
  const offer = makeImage(layers);
  const record = await importInto(store, offer);
  t.deepEqual(record.layers.map(({ diffId, key }) => [diffId, key]), layers.map(({ diffId }) => [diffId, diffId]));
  t.is(readFileSync(join(store.parts.layout.diff(record.layers[1]?.key ?? ''), 'bin/sh'), 'utf8'), '#!');
  for (const { descriptor, bytes } of layers) t.deepEqual(readFileSync(store.parts.layout.blob(descriptor.digest)), bytes);
  t.deepEqual(await store.catalog.name('docker.io/library/made:latest'), { name: 'docker.io/library/made:latest', digest: offer.manifest.descriptor.digest });
  t.deepEqual(await store.catalog.image(offer.manifest.descriptor.digest), record);
  t.deepEqual(leftIn(lab), []);
  const resolved = await store.resolve(record, 'made', { tell: () => undefined });
  t.deepEqual([resolved.rootPath, ...(resolved.lowerLayers ?? [])], [...layers].reverse().map(({ diffId }) => store.parts.layout.diff(diffId)));
  t.deepEqual(resolved.config, offer.config.value);
});

test('what is there is neither fetched nor unpacked again, also when it is another image\'s', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one, two] = [makeLayer({ a: '1' }), makeLayer({ b: '2' }), makeLayer({ c: '3' })];
  await importInto(store, makeImage([base, one]));
  await importInto(await lab.open(), makeImage([base, two]));
  await importInto(store, makeImage([base, one]));
  t.deepEqual([base, one, two].map(({ opened }) => opened), [[0], [0], [0]]);
  t.is(lab.unpacked.length, 3);
});

test('two imports at once fetch each blob once, and unpack each layer once', async (t) => {
  const lab = storeLab(t);
  const layers = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => makeLayer({ [name]: name.repeat(100_000) }));
  const stores = await Promise.all([lab.open(), lab.open(), lab.open()]);
  const records = await Promise.all(stores.map(async (store) => importInto(store, makeImage(layers))));
  t.deepEqual(layers.map(({ opened }) => opened), layers.map(() => [0]));
  t.is(lab.unpacked.length, layers.length);
  t.deepEqual(records[0]?.layers, records[1]?.layers);
  t.deepEqual(leftIn(lab), []);
});

test('a layer that depends on what is below is unpacked over it, and kept by its chain', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, other, dependent] = [makeLayer({ a: '1' }), makeLayer({ b: '2' }), makeLayer({ 'needs-lower': '' })];
  const first = await importInto(store, makeImage([base, dependent]));
  const second = await importInto(store, makeImage([other, dependent]));
  const alone = await importInto(store, makeImage([dependent]));
  const keys = [first.layers[1], second.layers[1], alone.layers[0]].map((layer) => layer?.key);
  t.is(new Set(keys).size, 3);
  t.is(keys[2], dependent.diffId, 'as the lowest it is by itself');
  t.deepEqual(lab.unpacked.flatMap(({ lower }) => (lower === undefined ? [] : [lower])), [[store.parts.layout.diff(base.diffId)], [store.parts.layout.diff(other.diffId)]]);
  t.deepEqual(dependent.opened, [0], 'its blob is fetched once');
  const third = await importInto(store, makeImage([other, dependent], { author: 'another' }));
  t.is(third.layers[1]?.key, keys[1]);
});

test('bytes that are not those of the digest are refused, and nothing stays', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const good = makeLayer({ a: 'x'.repeat(1000) });
  const cases: readonly (readonly [string, (bytes: Buffer) => Buffer, RegExp])[] = [
    ['a flipped bit', (bytes) => Buffer.concat([bytes.subarray(0, 20), Buffer.from([(bytes[20] ?? 0) ^ 1]), bytes.subarray(21)]), /another digest|incorrect|invalid/],
    ['too short', (bytes) => bytes.subarray(0, 50), /ends after 50 of|unexpected end/],
    ['too long', (bytes) => Buffer.concat([bytes, bytes]), /more than the/],
  ];
  for (const [title, change, says] of cases) {
    const layer = offerLayer(good.bytes, good.diffId, { open: (bytes) => Readable.from([change(bytes)]) });
    const error = await t.throwsAsync(importInto(store, makeImage([layer])), undefined, title);
    t.regex(error.message, says, title);
    t.deepEqual([readdirSync(join(lab.root, 'layers')), readdirSync(join(lab.root, 'images')), leftIn(lab)], [[], [], []], title);
  }
});

test('the blob of a layer that is unpacked already is compared as well, and kept', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const { bytes, diffId } = makeLayer({ a: '1'.repeat(1000) });
  await importInto(store, makeImage([offerLayer(bytes, diffId)]));
  const packedOtherwise = gzipSync(gunzipSync(bytes), { level: 9 });
  const forged = offerLayer(packedOtherwise, diffId, { open: (all) => Readable.from([Buffer.alloc(all.length, 7)]) });
  await t.throwsAsync(importInto(store, makeImage([forged])), { code: 'ERR_TSRUN_IMAGE', message: /its bytes have another digest/ });
  t.false(existsSync(store.parts.layout.blob(forged.descriptor.digest)));
  await importInto(store, makeImage([offerLayer(packedOtherwise, diffId)]));
  t.deepEqual(readFileSync(store.parts.layout.blob(forged.descriptor.digest)), packedOtherwise);
  t.deepEqual([readdirSync(join(lab.root, 'layers')).length, leftIn(lab)], [1, []]);
});

test('a blob that holds something else than the layer that its config names is refused, also when that layer is there', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [known, other] = [makeLayer({ a: '1' }), makeLayer({ a: '2' })];
  await importInto(store, makeImage([known]));
  const lie = makeImage([offerLayer(other.bytes, known.diffId)]);
  const told = { code: 'ERR_TSRUN_IMAGE', message: /other files than the image's config says/ } as const;
  await t.throwsAsync(importInto(store, lie), told);
  await t.throwsAsync(importInto(store, lie), told, 'now that its blob is there as well');
  t.deepEqual([await store.catalog.image(lie.manifest.descriptor.digest), leftIn(lab)], [undefined, []]);
  const packedOtherwise = offerLayer(gzipSync(gunzipSync(known.bytes), { level: 0 }), known.diffId);
  for (const author of ['one', 'other']) await importInto(store, makeImage([offerLayer(known.bytes, known.diffId), packedOtherwise], { author }));
  t.is(lab.unpacked.length, 4, 'what is known to be right is not unpacked again');
});

test('two imports at once of one layer in two packings keep both', async (t) => {
  const lab = storeLab(t);
  const { bytes, diffId } = makeLayer({ a: 'x'.repeat(100_000) });
  const packings = [bytes, ...[0, 9].map((level) => gzipSync(gunzipSync(bytes), { level }))];
  const stores = await Promise.all(packings.map(async () => lab.open()));
  await Promise.all(stores.map(async (store, index) => importInto(store, makeImage([offerLayer(packings[index] ?? bytes, diffId)]))));
  for (const packing of packings) t.deepEqual(readFileSync(stores[0]?.parts.layout.blob(digestOf(packing)) ?? ''), packing);
  t.deepEqual([readdirSync(join(lab.root, 'layers')).length, leftIn(lab)], [1, []]);
});

test('other files than the config says are refused', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [one, other] = [makeLayer({ a: '1' }), makeLayer({ a: '2' })];
  const error = await t.throwsAsync(importInto(store, makeImage([offerLayer(one.bytes, other.diffId)])), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_IMAGE');
  t.regex(error.message, /other files than the image's config says/);
  t.deepEqual([readdirSync(join(lab.root, 'layers')), leftIn(lab)], [[], []]);
  const none = makeImage([]);
  await t.throwsAsync(importInto(store, none), { code: 'ERR_TSRUN_IMAGE', message: /has 0 layers/ });
  const twisted = { ...makeImage([one]), layers: [other] };
  await t.throwsAsync(importInto(store, twisted), { code: 'ERR_TSRUN_IMAGE', message: /tells of 1 others/ });
});

test('what came before the connection broke is gone on from', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const { bytes, diffId } = makeLayer({ a: Array.from({ length: 100_000 }, (_, index) => String(index * 7919)).join() });
  const half = bytes.length >> 1;
  const lost = new TsrunError('ERR_TSRUN_REGISTRY', 'the connection broke');
  const layer = offerLayer(bytes, diffId, {
    open: (all, offset) => (offset > 0 ? Readable.from([all.subarray(offset)]) : Readable.from((function* () {
      yield all.subarray(0, half);
      throw lost;
    })())),
  });
  t.is(await t.throwsAsync(importInto(store, makeImage([layer]))), lost);
  t.deepEqual(leftIn(lab), [`blob-${layer.descriptor.digest.slice(7)}`]);
  await importInto(store, makeImage([layer]));
  t.deepEqual(layer.opened, [0, half]);
  t.deepEqual(leftIn(lab), []);
});

test('a part that is not the blob\'s beginning is thrown away', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const layer = makeLayer({ a: '1'.repeat(5000) });
  const wrong: readonly Buffer[] = [Buffer.alloc(10, 1), Buffer.alloc(layer.bytes.length, 1), Buffer.alloc(layer.bytes.length + 1)];
  for (const part of wrong) {
    writeFileSync(partPath(store.parts.layout, layer.descriptor.digest), part);
    await importInto(store, makeImage([layer]));
    rmSync(store.parts.layout.blob(layer.descriptor.digest));
    rmSync(store.parts.layout.layer(layer.diffId), { recursive: true });
  }
  t.deepEqual(layer.opened, [10, 0, 0, 0]);
  t.deepEqual(leftIn(lab), []);
});

test('what is damaged in the store is found, and made anew', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const layers = [makeLayer({ a: '1'.repeat(5000) }), makeLayer({ b: '2' })];
  const offer = makeImage(layers);
  const { layout } = store.parts;
  const [layer] = layers;
  if (layer === undefined) throw new Error('no layer');
  const record = await importInto(store, offer);
  const image = layout.image(offer.manifest.descriptor.digest);

  flip(image);
  const error = await t.throwsAsync(store.catalog.image(offer.manifest.descriptor.digest), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_STORE');
  t.true(error.message.includes(image) && error.message.includes('damaged'), error.message);
  t.deepEqual(await store.catalog.images(), []);
  await importInto(store, offer);
  t.is((await store.catalog.images()).length, 1);

  truncateSync(layout.layerReport(layer.diffId), 10);
  t.is(await store.parts.layers.find(layer.diffId), undefined);
  await store.resolve(record, 'made', { tell: () => undefined });
  t.not(await store.parts.layers.find(layer.diffId), undefined);
  t.deepEqual(layer.opened, [0], 'from its blob');

  rmSync(layout.diff(layer.diffId), { recursive: true });
  flip(layout.blob(layer.descriptor.digest));
  await t.throwsAsync(store.resolve(record, 'made', { tell: () => undefined }), { code: 'ERR_TSRUN_STORE', message: /is missing in the image store|was removed/ });
  t.false(existsSync(layout.blob(layer.descriptor.digest)));
  await importInto(store, offer);
  t.deepEqual(layer.opened, [0, 0], 'from its source');

  flip(layout.blob(offer.config.descriptor.digest));
  await t.throwsAsync(store.resolve(record, 'made', { tell: () => undefined }), { code: 'ERR_TSRUN_STORE', message: /another digest than its name/ });
  await importInto(store, offer);
  await t.notThrowsAsync(store.resolve(record, 'made', { tell: () => undefined }));
});

test('an import that is given up ends at once, and the next one goes on', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const controller = new AbortController();
  const slow = makeLayer({ a: Array.from({ length: 50_000 }, (_, index) => String(index * 104_729)).join() }, {
    open: (bytes, offset) => (offset > 0 ? Readable.from([bytes.subarray(offset)]) : new Readable({
      read() {
        this.push(bytes.subarray(0, 1000));
        setImmediate(() => { controller.abort('enough'); });
        this.read = () => null;
      },
    })),
  });
  const layers = [makeLayer({ b: '' }), slow];
  const error = await t.throwsAsync(importInto(store, makeImage(layers), controller.signal), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_ABORTED');
  t.is(error.cause, 'enough');
  await importInto(store, makeImage(layers));
  t.deepEqual(leftIn(lab), []);
});

test('how far it is', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const layer = makeLayer({ a: '1'.repeat(1000) });
  const seen: ImageProgress[] = [];
  const offer = makeImage([layer]);
  await store.import(offer, { names: [], tell: (progress) => seen.push(progress) });
  const { digest, size } = layer.descriptor;
  for (const stage of ['fetching', 'unpacking'] as const) t.deepEqual(seen.filter((each) => each.stage === stage).at(-1), { stage, digest, doneBytes: size, totalBytes: size, finished: true });
  seen.length = 0;
  await store.import(offer, { names: [], tell: (progress) => seen.push(progress) });
  t.deepEqual(seen, [{ stage: 'unpacking', digest, doneBytes: size, totalBytes: size, finished: true, wasThere: true }]);
});

test('of a failure of one layer the others hear, and its cause is told', async (t) => {
  const lab = storeLab(t);
  const fault = new TsrunError('ERR_TSRUN_IMAGE', 'hostile');
  const hostile = makeLayer({ hostile: '' });
  const endless = makeLayer({ b: '' }, { open: () => new Readable({ read: () => undefined }) });
  const store = await lab.open({
    unpack: async (request) => {
      const report = await unpackWithTar(request);
      if (existsSync(join(request.destination, 'hostile'))) throw fault;
      return report;
    },
  });
  t.is(await t.throwsAsync(importInto(store, makeImage([endless, hostile]))), fault);
  t.deepEqual(readdirSync(join(lab.root, 'layers')), []);
});

test('an image twice the same layer, or with layers of nothing, has folders that overlayfs takes', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [empty, one, two] = [makeLayer({}), makeLayer({ a: '1' }), makeLayer({ b: '1' })];
  const resolve = async (offer: OfferedImage) => store.resolve(await importInto(store, offer), 'made', { tell: () => undefined });
  const { rootPath, lowerLayers } = await resolve(makeImage([one, two, empty, one]));
  t.deepEqual([rootPath, ...(lowerLayers ?? [])], [one, two].map(({ diffId }) => store.parts.layout.diff(diffId)));
  const nothing = await resolve(makeImage([empty]));
  t.deepEqual([nothing.rootPath, nothing.lowerLayers], [store.parts.layout.diff(empty.diffId), undefined]);
});
