import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { openFolderTree } from '../../../src/image/sources/folder-tree.js';
import { openOciLayout } from '../../../src/image/sources/oci-layout.js';
import { blobPath, contentOf, faultOf, folderOf, folderTree, layoutFiles, madeImage, named, options, tarOfFiles, tarTree, type Files } from './lab.js';

const other = { os: 'linux', architecture: 's390x' };
const layers = [tarOfFiles({ 'a.txt': 'a'.repeat(300_000) }), tarOfFiles({ 'b.txt': 'b' })];
const image = madeImage({ layers });
const files = layoutFiles([named(image.manifest, 'v1')], image.blobs);

for (const [form, open] of [['folder', folderTree], ['tar', async (each: Files) => tarTree(tarOfFiles(each))]] as const) {
  test(`a layout in a ${form}: documents as they are written, layers as streams`, async (t) => {
    const [found, ...others] = await openOciLayout(await open(files), options());
    t.is(others.length, 0);
    t.deepEqual(found?.names, [], 'a tag alone is no name');
    t.deepEqual(found?.manifest.descriptor, image.manifest);
    t.deepEqual(found?.manifest.bytes, image.blobs[0]);
    t.deepEqual(found?.config.bytes, image.config);
    t.deepEqual(found?.config.value.config?.Cmd, ['/a']);
    t.deepEqual(found?.layers.map(({ diffId, descriptor }) => [diffId, descriptor.digest, descriptor.size]), layers.map((layer) => [digestOf(layer), digestOf(layer), layer.length]));
    for (const [index, layer] of (found?.layers ?? []).entries()) {
      t.deepEqual(await contentOf(layer), layers[index]);
      t.deepEqual(await contentOf(layer, 700), layers[index]?.subarray(700));
      t.is((await contentOf(layer, 10 ** 9)).length, 0);
    }
    await found?.close();
    await found?.close();
  });
}

test('a stream ends with its signal', async (t) => {
  const [found] = await openOciLayout(await tarTree(tarOfFiles(files)), options());
  const stop = new AbortController();
  const stream = await found?.layers[0]?.open({ offset: 0, signal: stop.signal });
  stop.abort();
  await t.throwsAsync(async () => stream?.toArray(), { name: 'AbortError' });
  await found?.close();
});

test("an index that says it is Docker's list, at the top and below", async (t) => {
  const inner = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.dockerIndex, manifests: [{ ...image.manifest, platform: options().platform }] }));
  const entry = { mediaType: mediaTypes.dockerIndex, digest: digestOf(inner), size: inner.length };
  const each = { ...layoutFiles([entry], [...image.blobs, inner]), 'index.json': JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.dockerIndex, manifests: [entry] }) };
  t.is((await openOciLayout(await folderTree(each), options()))[0]?.manifest.descriptor.digest, image.manifest.digest);
  const manifest = { ...each, 'index.json': String(image.blobs[0]) };
  t.regex((await faultOf(openOciLayout(await folderTree(manifest), options()))).message, /'index\.json' in .* says that it is 'application.vnd\.oci\.image\.manifest/);
});

test("containerd's names are whole ones", async (t) => {
  const annotations = { 'io.containerd.image.name': 'docker.io/library/alpine:3.20', 'org.opencontainers.image.ref.name': '3.20' };
  const [found] = await openOciLayout(await folderTree(layoutFiles([{ ...image.manifest, annotations }], image.blobs)), options());
  t.deepEqual(found?.names, ['docker.io/library/alpine:3.20']);
});

test('a name with a digest is given to the image that has it, and to no other', async (t) => {
  const { digest } = image.manifest;
  const another = `sha256:${'a'.repeat(64)}`;
  const rows: [name: string, given: string[]][] = [
    [`team/app@${digest}`, [`docker.io/team/app@${digest}`]],
    [`team/app:1@${digest}`, [`docker.io/team/app@${digest}`]],
    [`team/app@${another}`, []],
    [`team/app:1@${another}`, []],
  ];
  for (const [name, given] of rows) {
    const [found] = await openOciLayout(await folderTree(layoutFiles([named(image.manifest, name)], image.blobs)), options({ name }));
    t.deepEqual(found?.names, given, name);
    const [containerds] = await openOciLayout(await folderTree(layoutFiles([{ ...image.manifest, annotations: { 'io.containerd.image.name': name } }], image.blobs)), options());
    t.deepEqual(containerds?.names, given, name);
  }
});

test('of one name, and of a nested index, the image for the platform is taken', async (t) => {
  const [here, there] = [madeImage({ cmd: ['here'] }), madeImage({ cmd: ['there'], platform: other })];
  const blobs = [...here.blobs, ...there.blobs];
  const flat = layoutFiles([named(there.manifest, 'v1'), named(here.manifest, 'v1')], blobs);
  const inner = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [
    { ...there.manifest, platform: other }, { ...here.manifest, platform: options().platform },
    { ...here.manifest, platform: { os: 'unknown', architecture: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
  ] }));
  const nested = layoutFiles([{ mediaType: mediaTypes.index, digest: digestOf(inner), size: inner.length }], [...blobs, inner]);
  for (const each of [flat, nested]) {
    for (const [platform, cmd] of [[options().platform, 'here'], [other, 'there']] as const) {
      const [found, ...others] = await openOciLayout(await folderTree(each), options({ platform }));
      t.is(others.length, 0);
      t.deepEqual(found?.config.value.config?.Cmd, [cmd]);
    }
    const fault = await faultOf(openOciLayout(await folderTree(each), options({ platform: { os: 'linux', architecture: 'riscv64' } })));
    t.regex(fault.message, /has no image for linux\/riscv64: it is for linux\/s390x, linux\/\w+$/);
    t.regex(fault.hint ?? '', /--platform/);
  }
  const unlike = layoutFiles([named(there.manifest, 'v1'), named(here.manifest, 'v2')], blobs);
  t.deepEqual((await openOciLayout(await folderTree(unlike), options()))[0]?.config.value.config?.Cmd, ['here'], 'the only one for this machine');
});

test('what says no platform is looked into, in its order', async (t) => {
  const [here, there] = [madeImage({ cmd: ['here'] }), madeImage({ cmd: ['there'], platform: other })];
  const inner: Buffer[] = [];
  const index = (...manifests: object[]) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
    inner.push(bytes);
    return { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length };
  };
  const [a, b] = [{ ...here.manifest, platform: options().platform }, { ...there.manifest, platform: other }];
  const tops = [index(index(b), index(a)), index(index(there.manifest), index(here.manifest)), index(there.manifest, here.manifest), index(index(a), index(b)), index(index(index(b), index(a)))];
  for (const top of tops) {
    const each = layoutFiles([top], [...here.blobs, ...there.blobs, ...inner]);
    for (const [platform, cmd] of [[options().platform, 'here'], [other, 'there']] as const) {
      t.deepEqual((await openOciLayout(await folderTree(each), options({ platform })))[0]?.config.value.config?.Cmd, [cmd]);
    }
    const fault = await faultOf(openOciLayout(await folderTree(each), options({ platform: { os: 'linux', architecture: 'riscv64' } })));
    t.regex(fault.message, /has no image for linux\/riscv64: it is for (linux\/s390x, linux\/\w+|linux\/\w+, linux\/s390x)$/);
  }
  const many = index(...Array.from({ length: 100 }, () => there.manifest));
  t.regex((await faultOf(openOciLayout(await folderTree(layoutFiles([many], [...there.blobs, ...inner])), options()))).message, /more than 64 manifests of which no index says the platform$/);
});

test('what one entry has wrong is no fault of the others', async (t) => {
  let [bytes, deep] = [Buffer.alloc(0), image.manifest];
  const blobs: Buffer[] = [...image.blobs];
  for (let depth = 0; depth < 5; depth++) {
    bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [deep] }));
    blobs.push(bytes);
    deep = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length };
  }
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ ...image.manifest, digest: `sha512:${'0'.repeat(128)}` }, /sha512/],
    [{ ...image.manifest, digest: 'sha256:../../../etc/passwd' }, /digest/],
    [{ mediaType: mediaTypes.manifest }, /digest/],
    [{ ...image.manifest, platform: 'none' }, /platform/],
    [deep, /deeper than 4/],
    [{ ...image.manifest, digest: digestOf(Buffer.from('gone')) }, /is not in/],
  ];
  for (const [entry, why] of bad) {
    const each = layoutFiles([{ ...entry, annotations: { 'org.opencontainers.image.ref.name': 'bad' } }, named(image.manifest, 'good')], blobs);
    t.is((await openOciLayout(await folderTree(each), options({ name: 'good' }))).length, 1);
    t.regex((await faultOf(openOciLayout(await folderTree(each), options({ name: 'bad' })))).message, why);
    const all = await faultOf(openOciLayout(await folderTree(each), options({ choose: 'all' })));
    t.regex(all.message, /^image 'bad': /);
    t.regex(all.message, why);
    t.regex(all.hint ?? '', /PATH:NAME/);
  }
  for (const entry of ['text', null, []]) {
    const none = { ...layoutFiles([], image.blobs), 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [entry, image.manifest] }) };
    t.regex((await faultOf(openOciLayout(await folderTree(none), options()))).message, /manifests\/0/);
  }
});

test('of the variants of one name the nearest is taken', async (t) => {
  const arm = (variant: string) => ({ os: 'linux', architecture: 'arm', variant });
  const images = ['v5', 'v7', 'v6', 'v8'].map((variant) => madeImage({ cmd: [variant], platform: arm(variant) }));
  const entries = images.map(({ manifest }) => named(manifest, 'v1'));
  for (const [variant, cmd] of [['v7', 'v7'], ['v6', 'v6'], ['v9', 'v8']] as const) {
    const [found, ...others] = await openOciLayout(await folderTree(layoutFiles(entries, images.flatMap(({ blobs }) => blobs))), options({ platform: arm(variant) }));
    t.is(others.length, 0);
    t.deepEqual(found?.config.value.config?.Cmd, [cmd]);
  }
});

test('what else an index names is passed over', async (t) => {
  const signature = { mediaType: 'application/vnd.example.signature', digest: digestOf(Buffer.from('s')), size: 1 };
  t.is((await openOciLayout(await folderTree(layoutFiles([signature, image.manifest], image.blobs)), options())).length, 1);
});

test('artifacts beside an image, in a layout and in an index below it, are passed over; alone they are told of', async (t) => {
  const empty = Buffer.from('{}');
  const artifact = (config: object, mediaType: string): Buffer => Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [{ mediaType, digest: digestOf(empty), size: empty.length }],
  }));
  const describe = (bytes: Buffer, mediaType: string = mediaTypes.manifest) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const artifacts: [Buffer, RegExp][] = [
    [artifact(describe(empty, 'application/vnd.oci.empty.v1+json'), 'application/vnd.example.chart'), /not that of an image: its config is 'application\/vnd\.oci\.empty/],
    [artifact(describe(image.config, mediaTypes.config), 'application/vnd.in-toto+json'), /not that of an image: its layers are 'application\/vnd\.in-toto/],
  ];
  for (const [bytes, fault] of artifacts) {
    const blobs = [...image.blobs, bytes, empty];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [describe(bytes), image.manifest] }));
    for (const each of [layoutFiles([describe(bytes), image.manifest], blobs), layoutFiles([describe(index, mediaTypes.index)], [...blobs, index])]) {
      for (const choose of ['one', 'all'] as const) {
        const found = await openOciLayout(await folderTree(each), options({ choose }));
        t.deepEqual(found.map(({ manifest }) => manifest.descriptor), [image.manifest]);
      }
    }
    const alone = await folderTree(layoutFiles([describe(bytes)], blobs));
    t.regex((await faultOf(openOciLayout(alone, options()))).message, fault);
    const byName = await folderTree(layoutFiles([named({ ...image.manifest, ...describe(bytes) }, 'sig'), image.manifest], blobs));
    t.regex((await faultOf(openOciLayout(byName, options({ name: 'sig' })))).message, fault);
  }
});

test('layouts that are damaged, or not whole, are refused with what is', async (t) => {
  const manifestPath = blobPath(image.manifest.digest);
  const [first] = layers;
  const layerPath = blobPath(digestOf(first ?? Buffer.alloc(0)));
  const rows: [changes: Files, fault: RegExp][] = [
    [{ 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' }, /is of version 1\.0\.0/],
    [{ 'oci-layout': 'x' }, /'oci-layout' in '.*':1:1: expected a value/],
    [{ 'index.json': '{}' }, /'index\.json' in .* \/schemaVersion: expected 2/],
    [{ 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [] }) }, /holds no image: its index names none/],
    [{ 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [image.manifest], layers: [] }) }, /but has 'layers'/],
    [{ 'index.json': Buffer.alloc(4 * 1024 * 1024 + 1) }, /has 4194305 bytes, at most 4194304 are read/],
    [{ [manifestPath]: Buffer.concat([image.blobs[0] ?? Buffer.alloc(0), Buffer.from(' ')]) }, /the manifest sha256:\w{12} in .* is damaged: it has \d+ bytes and should have \d+/],
    [{ [manifestPath]: Buffer.from(String(image.blobs[0]).replace('application', 'Application')) }, /is damaged: it has sha256:\w{64} and should have sha256/],
    [{ [blobPath(digestOf(image.config))]: String(image.config).replace('linux', 'Linux') }, /the config sha256:\w{12} in .* is damaged/],
    [{ [layerPath]: 'short' }, /the layer sha256:\w{12} in .* is damaged: it has 5 bytes and should have/],
  ];
  for (const [changes, fault] of rows) {
    const each = { ...files, ...changes };
    t.regex((await faultOf(openOciLayout(await folderTree(each), options()))).message, fault);
    t.regex((await faultOf(openOciLayout(await tarTree(tarOfFiles(each)), options()))).message, fault);
  }
  for (const [path, fault] of [['oci-layout', /no file 'oci-layout'/], ['index.json', /no file 'index\.json'/], [manifestPath, /the manifest sha256:\w+ is not in/], [layerPath, /the layer sha256:\w+ is not in/]] as const) {
    const each = Object.fromEntries(Object.entries(files).filter(([name]) => name !== path));
    t.regex((await faultOf(openOciLayout(await folderTree(each), options()))).message, fault);
  }
});

test('a layer that is not handed on says why it is not there', async (t) => {
  const [manifestBytes = Buffer.alloc(0), config = Buffer.alloc(0)] = image.blobs;
  const changed = Buffer.from(String(manifestBytes).replaceAll('image.layer.v1.tar', 'image.layer.nondistributable.v1.tar'));
  const entry = { ...image.manifest, digest: digestOf(changed), size: changed.length };
  const fault = await faultOf(openOciLayout(await folderTree(layoutFiles([entry], [changed, config])), options()));
  t.regex(fault.hint ?? '', /author does not let it be handed on/);
  t.is((await openOciLayout(await folderTree(layoutFiles([entry], [changed, config, ...layers])), options())).length, 1);
});

test('indexes in indexes end', async (t) => {
  let [bytes, entry] = [Buffer.alloc(0), image.manifest];
  const blobs: Buffer[] = [...image.blobs];
  for (let depth = 0; depth < 5; depth++) {
    bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] }));
    blobs.push(bytes);
    entry = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length };
  }
  t.regex((await faultOf(openOciLayout(await folderTree(layoutFiles([entry], blobs)), options()))).message, /indexes in indexes deeper than 4/);
});

test('blobs may be links out of the folder, and nothing holds up the reader', async (t) => {
  const [target, linked] = [folderOf(files), folderOf(files)];
  const path = blobPath(image.manifest.digest);
  rmSync(join(linked, path));
  symlinkSync(join(target, path), join(linked, path));
  t.is((await openOciLayout(await openFolderTree(linked, { leavesFolder: true }), options())).length, 1);
  t.regex((await faultOf(openOciLayout(await openFolderTree(linked, { leavesFolder: false }), options()))).message, /leads out of its folder/);
  rmSync(join(linked, path));
  execFileSync('mkfifo', [join(linked, path)]);
  t.regex((await faultOf(openOciLayout(await openFolderTree(linked, { leavesFolder: true }), options()))).message, /is not a regular file/);
});

test('a file that goes away or shrinks while it is offered', async (t) => {
  const folder = folderOf(files);
  const [found] = await openOciLayout(await openFolderTree(folder, { leavesFolder: true }), options());
  const layer = found?.layers[0];
  rmSync(join(folder, blobPath(layer?.diffId ?? '')));
  await t.throwsAsync(async () => layer?.open({ offset: 0 }), { message: /was removed while it was read/ });
  writeFileSync(join(folder, blobPath(layer?.diffId ?? '')), 'x');
  t.is(String(await (await layer?.open({ offset: 0 }))?.toArray()), 'x', 'the store compares digest and size');
});
