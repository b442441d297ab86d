import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import type { OfferedImage, OfferedLayer } from '../../../src/image/offer.js';
import type { ImageRecord } from '../../../src/image/store/records.js';
import type { ImageStore } from '../../../src/image/store/store.js';
import { partPath } from '../../../src/image/store/arrival.js';
import { makeImage, makeLayer, offerLayer, storeLab } from '../../support/store-lab.js';

async function importAs(store: ImageStore, offer: OfferedImage, ...names: string[]): Promise<ImageRecord> {
  return store.import(offer, { names, tell: () => undefined });
}

function layersIn(store: ImageStore): string[] {
  return readdirSync(store.parts.layout.layers).map((name) => `sha256:${name}`).sort();
}

function diffIds(...layers: readonly OfferedLayer[]): string[] {
  return layers.map(({ diffId }) => diffId).sort();
}

test('an image goes with its last name, and what it shared stays', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one, two] = [makeLayer({ a: '1' }), makeLayer({ b: '2' }), makeLayer({ c: '3' })];
  const first = await importAs(store, makeImage([base, one]), 'docker.io/library/first:1', 'docker.io/library/first:2');
  await importAs(store, makeImage([base, two]), 'docker.io/library/second:1');
  const digest = first.manifest.digest;
  t.deepEqual(await store.remove(digest, ['docker.io/library/first:1']), { untagged: ['docker.io/library/first:1'], removed: [], freedBytes: 0 });
  t.deepEqual(layersIn(store), diffIds(base, one, two));
  const removed = await store.remove(digest, ['docker.io/library/first:2']);
  t.deepEqual([removed.untagged, removed.removed], [['docker.io/library/first:2'], [digest]]);
  t.true(removed.freedBytes > 0);
  t.deepEqual(layersIn(store), diffIds(base, two));
  t.false(existsSync(store.parts.layout.blob(one.descriptor.digest)));
  t.true(existsSync(store.parts.layout.blob(base.descriptor.digest)));
  t.deepEqual(readdirSync(store.parts.layout.temporaries), []);
});

test('prune takes what has no name, with all what no container uses', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [one, two] = [makeLayer({ b: '2' }), makeLayer({ c: '3' })];
  const nameless = await importAs(store, makeImage([one]));
  const named = await importAs(store, makeImage([two]), 'docker.io/library/named:1');
  t.deepEqual((await store.prune(false)).removed, [nameless.manifest.digest]);
  t.deepEqual(layersIn(store), diffIds(two));
  const all = await store.prune(true);
  t.deepEqual([all.removed, all.untagged], [[named.manifest.digest], ['docker.io/library/named:1']]);
  for (const folder of ['layers', 'blobs/sha256', 'images', 'names']) t.deepEqual(readdirSync(join(lab.root, folder)), [], folder);
  t.is((await store.prune(true)).freedBytes, 0);
});

test('what a container uses stays, whatever becomes of the name', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one] = [makeLayer({ a: '1' }), makeLayer({ b: '2' })];
  const record = await importAs(store, makeImage([base, one]), 'docker.io/library/used:1');
  await store.registerUser('/run/one');
  const { layout } = store.parts;
  lab.containers.set('/run/one', [{ user: 'the container x', images: new Set([record.manifest.digest]), layers: new Set([layout.diff(one.diffId), layout.diff(base.diffId)]) }]);
  t.deepEqual(await store.remove(record.manifest.digest, ['docker.io/library/used:1']), { untagged: ['docker.io/library/used:1'], removed: [], freedBytes: 0 });
  t.deepEqual((await store.prune(true)).removed, []);
  t.deepEqual(layersIn(store), diffIds(base, one));
  t.is((await store.catalog.images()).length, 1);
  lab.containers.set('/run/one', []);
  t.deepEqual((await store.prune(false)).removed, [record.manifest.digest]);
  lab.containers.set('/run/one', undefined);
  await store.prune(false);
  t.deepEqual(readdirSync(layout.users), [], 'the state root is gone');
});

test('an image is not used for the layers that it has in common with another', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one] = [makeLayer({ a: '1' }), makeLayer({ b: '2' })];
  const used = await importAs(store, makeImage([base, one]), 'docker.io/library/used:1');
  const below = await importAs(store, makeImage([base]), 'docker.io/library/base:1');
  const twin = await importAs(store, makeImage([base, one], { config: { Cmd: ['other'] } }), 'docker.io/library/twin:1');
  await store.registerUser('/run/one');
  const { layout } = store.parts;
  const layers = new Set([layout.diff(one.diffId), layout.diff(base.diffId)]);
  lab.containers.set('/run/one', [{ user: 'the container x', images: new Set([used.manifest.digest]), layers }]);
  t.deepEqual((await store.remove(twin.manifest.digest, ['docker.io/library/twin:1'])).removed, [twin.manifest.digest]);
  t.deepEqual((await store.prune(true)).removed, [below.manifest.digest]);
  t.deepEqual(layersIn(store), diffIds(base, one));
  lab.containers.set('/run/one', [{ user: 'the container x', images: new Set(), layers }]);
  t.deepEqual((await store.prune(true)).removed, [used.manifest.digest]);
  t.deepEqual(layersIn(store), diffIds(base, one), 'what it runs from stays in any case');
});

test('layers whose image is gone stay while a container uses them', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one] = [makeLayer({ a: '1' }), makeLayer({ b: '2' })];
  const record = await importAs(store, makeImage([base, one]), 'docker.io/library/used:1');
  await store.registerUser('/run/one');
  const { layout } = store.parts;
  lab.containers.set('/run/one', [{ user: 'the container x', images: new Set([record.manifest.digest]), layers: new Set([layout.diff(one.diffId), layout.diff(base.diffId)]) }]);
  rmSync(layout.image(record.manifest.digest));
  await store.prune(true);
  t.deepEqual(layersIn(store), diffIds(base, one));
  t.deepEqual(await store.catalog.names(), [], 'a name of nothing');
});

test('where it cannot be told what a container uses, nothing is removed', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open({ containersOf: async () => Promise.reject(new Error('a damaged record')) });
  const layer = makeLayer({ a: '1' });
  await importAs(store, makeImage([layer]));
  await store.registerUser('/run/one');
  await t.throwsAsync(store.prune(true), { message: 'a damaged record' });
  t.deepEqual(layersIn(store), diffIds(layer));
  await (await store.parts.locks.exclusiveOfShared('use')).release();
});

test('what an import has come to is not pruned, nor does the prune wait for its end', async (t) => {
  const lab = storeLab(t);
  const [store, other] = [await lab.open(), await lab.open()];
  const quick = makeLayer({ a: '1' });
  let goOn: () => void = () => undefined;
  const mayEnd = new Promise<void>((resolve) => { goOn = resolve; });
  const begun = new Promise<void>((resolve) => {
    const slow = makeLayer({ b: '2' }, {
      open: (bytes) => Readable.from((async function* () {
        resolve();
        await mayEnd;
        yield bytes;
      })()),
    });
    void importAs(store, makeImage([quick, slow]), 'docker.io/library/slow:1').then(done, done);
  });
  let outcome: unknown;
  let ended: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => { ended = resolve; });
  function done(result: unknown): void {
    outcome = result;
    ended();
  }
  await begun;
  while ((await store.parts.layers.find(quick.diffId)) === undefined) await new Promise((resolve) => { setImmediate(resolve); });
  await other.prune(true);
  t.not(await store.parts.layers.find(quick.diffId), undefined);
  goOn();
  await isOver;
  t.like(outcome, { version: 1 });
  t.is(quick.opened.length, 1);
  t.deepEqual(readdirSync(store.parts.layout.temporaries), []);
});

test('what killed processes left goes with the next import, parts of blobs with the next prune', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const { layout, locks } = store.parts;
  const layer = makeLayer({ a: '1' });
  writeFileSync(layout.temporary('file-1'), 'half');
  writeFileSync(layout.temporary('pin-1'), '');
  writeFileSync(layout.temporary('source-1'), '');
  writeFileSync(partPath(layout, layer.descriptor.digest), 'half');
  for (const name of ['layer-1', 'layer-2', 'gone-1']) writeFileSync(layout.temporary(name), '');
  const live = await locks.exclusive('layer-2');
  await importAs(store, makeImage([makeLayer({ b: '2' })]));
  t.deepEqual(readdirSync(layout.temporaries).sort(), [`blob-${layer.descriptor.digest.slice(7)}`, 'layer-2', 'source-1']);
  await live.release();
  await store.prune(false);
  t.deepEqual(readdirSync(layout.temporaries), []);
});

test('an image is found by its name, by digests and by their first digits', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const reference = { domain: 'docker.io', path: 'library/one', tag: '1' };
  const record = await importAs(store, makeImage([makeLayer({ a: '1' })]), 'docker.io/library/one:1');
  const { manifest, config } = record;
  t.deepEqual(await store.catalog.locate({ reference }), { digest: manifest.digest, name: 'docker.io/library/one:1' });
  for (const digits of [manifest.digest.slice(7), manifest.digest.slice(7, 15), config.digest.slice(7, 19)]) t.deepEqual(await store.catalog.locate({ idPrefix: digits }), { digest: manifest.digest });
  t.is(await store.catalog.locate({ reference: { ...reference, tag: '2' } }), undefined);
  t.is(await store.catalog.locate({ idPrefix: 'ffffffff' }), undefined);
  const digest = manifest.digest;
  await store.tag(digest, 'docker.io/library/two:1');
  t.deepEqual((await store.catalog.names()).map(({ name }) => name), ['docker.io/library/one:1', 'docker.io/library/two:1']);
  await t.throwsAsync(store.tag(config.digest, 'docker.io/library/two:1'), { code: 'ERR_TSRUN_IMAGE' });
  // So many that two begin alike.
  const layer = makeLayer({ a: '1' });
  for (let index = 0; index < 300; index++) await store.parts.write(store.parts.layout.image(digest.replace(/.{3}$/, String(index).padStart(3, '0'))), { ...record, manifest: { ...layer.descriptor, digest: digest.replace(/.{3}$/, String(index).padStart(3, '0')) } });
  await t.throwsAsync(store.catalog.locate({ idPrefix: digest.slice(7, 20) }), { code: 'ERR_TSRUN_IMAGE', message: /is the beginning of 30\d images/ });
});

test('a store of another form is not touched', async (t) => {
  const lab = storeLab(t);
  await lab.open();
  writeFileSync(join(lab.root, 'format'), 'tsrun image store 2\n');
  await t.throwsAsync(lab.open(), { code: 'ERR_TSRUN_STORE', message: /has another form: "tsrun image store 2"/ });
  await t.throwsAsync(lab.open({ root: '/proc/none' }), { code: 'ERR_TSRUN_STORE', message: /'\/proc\/none' of the image store cannot be used/ });
});

test('prune leaves what an image with a name needs whose record is damaged', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const [base, one, two] = [makeLayer({ a: '1' }), makeLayer({ b: '2' }), makeLayer({ c: '3' })];
  const { manifest: { digest } } = await importAs(store, makeImage([base, one]), 'docker.io/library/named:1');
  const nameless = await importAs(store, makeImage([two]));
  for (const each of [digest, nameless.manifest.digest]) appendFileSync(store.parts.layout.image(each), 'x');
  t.deepEqual((await store.catalog.damaged()).sort(), [digest, nameless.manifest.digest].sort());
  const pruned = await store.prune(false);
  t.deepEqual([pruned.removed, pruned.untagged], [[nameless.manifest.digest], []]);
  t.deepEqual(layersIn(store), diffIds(base, one));
  t.is(readdirSync(store.parts.layout.blobs).length, 4);
  const again = makeImage([offerLayer(base.bytes, base.diffId, { open: () => { throw new Error('it was fetched again'); } }), one]);
  await importAs(store, again, 'docker.io/library/named:1');
  t.deepEqual(await store.catalog.damaged(), [], 'imported again it is whole');
  appendFileSync(store.parts.layout.image(digest), 'x');
  rmSync(store.parts.layout.blob(digest));
  await importAs(store, makeImage([two]));
  await store.prune(false);
  t.deepEqual(layersIn(store), diffIds(base, one, two), 'without the manifest nobody knows what it needs');
  t.deepEqual((await store.prune(true)).removed, [digest]);
  t.deepEqual(layersIn(store), []);
});

test('an image without a name that something uses is not said to be removed', async (t) => {
  const lab = storeLab(t);
  const store = await lab.open();
  const { manifest: { digest } } = await importAs(store, makeImage([makeLayer({ a: '1' })]));
  await store.registerUser('/run/one');
  const use = { images: new Set([digest]), layers: new Set<string>() };
  lab.containers.set('/run/one', [{ user: 'the container \'web\'', ...use }, { user: 'the mount \'/mnt\'', ...use }]);
  await t.throwsAsync(store.remove(digest, []), { code: 'ERR_TSRUN_STATE', message: `the image ${digest} is used by the container 'web' and 1 more` });
  lab.containers.set('/run/one', []);
  t.deepEqual((await store.remove(digest, [])).removed, [digest]);
});
