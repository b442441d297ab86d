import { gzipSync } from 'node:zlib';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';
import { openDockerArchive } from '../../../src/image/sources/docker-archive.js';
import { openSource, type SourceForm } from '../../../src/image/sources/open-source.js';
import { openFolderTree } from '../../../src/image/sources/folder-tree.js';
import type { SourceOptions } from '../../../src/image/sources/source-options.js';
import { blobPath, contentOf, faultOf, folderOf, folderTree, layoutFiles, madeImage, newFile, options, tarOf, tarOfFiles, tarTree, type Files, type TarPart } from './lab.js';

const layers = [tarOfFiles({ 'a.txt': 'a'.repeat(100_000) }), tarOfFiles({ 'b.txt': 'b' })];
const [lower = Buffer.alloc(0), upper = Buffer.alloc(0)] = layers;
const image = madeImage({ layers });
const hex = digestOf(image.config).slice('sha256:'.length);

function manifestJson(...images: readonly object[]): string {
  return JSON.stringify(images.map((changes) => ({ Config: `${hex}.json`, RepoTags: ['app:1'], Layers: ['l0/layer.tar', 'l1/layer.tar'], ...changes })));
}

/** As docker 1.10 to 24 write it. */
const old: Files = {
  'l0/VERSION': '1.0', 'l0/json': '{}', 'l0/layer.tar': lower, 'l1/VERSION': '1.0', 'l1/json': '{}', 'l1/layer.tar': upper,
  [`${hex}.json`]: image.config, 'manifest.json': manifestJson({}), repositories: '{"app":{"1":"l1"}}',
};

async function openOne(bytes: Buffer, changes: Partial<SourceOptions> = {}) {
  const [found, ...more] = await openDockerArchive(await tarTree(bytes), options(changes));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more`);
  return found;
}

test('an archive as docker wrote it before 25, in a tar and unpacked', async (t) => {
  for (const tree of [await tarTree(tarOfFiles(old)), await folderTree(old)]) {
    const [found] = await openDockerArchive(tree, options());
    t.deepEqual(found?.names, ['docker.io/library/app:1']);
    t.deepEqual(found?.config.bytes, image.config);
    t.deepEqual(found?.layers.map(({ descriptor, diffId }) => ({ ...descriptor, diffId })), layers.map((layer) => (
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length, diffId: digestOf(layer) }
    )));
    for (const [index, layer] of (found?.layers ?? []).entries()) t.deepEqual(await contentOf(layer, 3), layers[index]?.subarray(3));
    t.is(found?.manifest.descriptor.digest, digestOf(found?.manifest.bytes ?? Buffer.alloc(0)));
    await found?.close();
  }
  const [again, first] = [await openOne(tarOfFiles(old)), await openOne(tarOfFiles({ ...old, repositories: '{}' }))];
  t.is(again.manifest.descriptor.digest, first.manifest.descriptor.digest, 'the same image has the same digest');
});

test('an archive as docker writes it from 25 on is a layout as well, and the same image either way', async (t) => {
  const blob = (bytes: Buffer): string => blobPath(digestOf(bytes));
  const annotations = { 'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1' };
  const files: Files = {
    ...layoutFiles([{ ...image.manifest, annotations }], image.blobs),
    'manifest.json': manifestJson({ Config: blob(image.config), Layers: layers.map(blob), LayerSources: {} }),
    repositories: '{}',
  };
  const path = newFile(tarOfFiles(files));
  const openAs = async (form: SourceForm) => (await openSource({ form, path }, options({ name: 'app:1' })))[0];
  const [layout, archive] = await Promise.all([openAs('any'), openAs('docker-archive')]);
  t.is(layout?.manifest.descriptor.digest, image.manifest.digest, 'as a layout it has the manifest that is in it');
  t.deepEqual(layout?.names, archive?.names);
  t.deepEqual(layout?.config.bytes, archive?.config.bytes);
  t.deepEqual(layout?.layers.map(({ descriptor, diffId }) => [descriptor, diffId]), archive?.layers.map(({ descriptor, diffId }) => [descriptor, diffId]));
  await layout?.close();
  await archive?.close();
});

test("one of docker's that keeps images as containerd does: two tags of an index, whose other platforms and attestations are not in the file", async (t) => {
  const away = (text: string, platform: object): object => ({ mediaType: mediaTypes.manifest, digest: digestOf(Buffer.from(text)), size: text.length, platform });
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [
    away('far', { os: 'linux', architecture: 's390x' }), { ...image.manifest, platform: options().platform },
    { ...away('attestation', { os: 'unknown', architecture: 'unknown' }), annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': image.manifest.digest } },
  ] }));
  const entry = (name: string, tag: string): object => ({
    mediaType: mediaTypes.index, digest: digestOf(index), size: index.length,
    annotations: { 'containerd.io/distribution.source.docker.io': 'team/app', 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag },
  });
  const files: Files = {
    ...layoutFiles([entry('docker.io/team/app:1', '1'), entry('docker.io/team/app:latest', 'latest')], [...image.blobs, index]),
    'manifest.json': manifestJson({ Config: blobPath(digestOf(image.config)), RepoTags: ['team/app:1', 'team/app:latest'], Layers: layers.map((layer) => blobPath(digestOf(layer))) }),
  };
  const path = newFile(tarOfFiles(files));
  for (const name of [undefined, 'team/app', '1', 'docker.io/team/app:1', digestOf(index)]) {
    const [found, ...more] = await openSource({ form: 'any', path }, options({ choose: name === undefined ? 'all' : 'one', name }));
    t.is(more.length, 0);
    t.deepEqual([found?.names, found?.manifest.descriptor.digest], [['docker.io/team/app:1', 'docker.io/team/app:latest'], image.manifest.digest], name);
    await found?.close();
  }
  const missing = openSource({ form: 'any', path }, options({ platform: { os: 'linux', architecture: 's390x' } }));
  t.regex((await faultOf(missing)).message, /the manifest sha256:\w{12} is not in/);
});

test('layers that are links to those of another image, in every form that tar has', async (t) => {
  const parts = (link: TarPart, config = image.config): TarPart[] => [
    { path: 'l0/', type: 'Directory' }, { path: 'l0/layer.tar', content: lower }, link, { path: `${hex}.json`, content: config },
    { path: 'manifest.json', content: manifestJson({ Layers: ['l0/layer.tar', 'l1/layer.tar'] }) },
  ];
  const { config } = madeImage({ layers: [lower, lower] });
  const links: TarPart[][] = [
    [{ path: 'l1/layer.tar', type: 'SymbolicLink', linkpath: '../l0/layer.tar' }],
    [{ path: 'l1/layer.tar', type: 'SymbolicLink', linkpath: '/l0/./layer.tar' }],
    [{ path: 'l1/layer.tar', type: 'Link', linkpath: 'l0/layer.tar' }],
    [{ path: './l1/layer.tar', type: 'Link', linkpath: './l0/layer.tar' }],
    [{ path: 'l1', type: 'SymbolicLink', linkpath: 'l0' }],
    [{ path: 'l1/layer.tar', type: 'SymbolicLink', linkpath: '../../../l2/layer.tar' }, { path: 'l2', type: 'SymbolicLink', linkpath: 'l0/' }],
  ];
  for (const [first = {}, ...more] of links) {
    const found = await openOne(tarOf([...parts(first, config), ...more]));
    t.deepEqual(await contentOf(found.layers[1] ?? t.fail()), lower, first.linkpath);
    await found.close();
  }
  const bad: [TarPart, RegExp][] = [
    [{ path: 'l1/layer.tar', type: 'SymbolicLink', linkpath: 'layer.tar' }, /links to 'l1\/layer\.tar' in .* lead in a circle/],
    [{ path: 'l1/layer.tar', type: 'Link', linkpath: 'l1/layer.tar' }, /lead in a circle/],
    [{ path: 'l1/layer.tar', type: 'SymbolicLink', linkpath: '../../etc/passwd' }, /layer 'l1\/layer\.tar' in .* is not there/],
    [{ path: 'l1/layer.tar', type: 'CharacterDevice' }, /is a character device, not a regular file/],
    [{ path: 'l1/layer.tar', type: 'Directory' }, /is a directory, not a regular file/],
  ];
  for (const [link, fault] of bad) t.regex((await faultOf(openDockerArchive(await tarTree(tarOf(parts(link))), options()))).message, fault);
});

test('an unpacked archive does not read outside of its folder', async (t) => {
  const folder = folderOf({ ...old, 'manifest.json': manifestJson({ Config: 'link' }) });
  symlinkSync(newFile(image.config), join(folder, 'link'));
  const tree = await openFolderTree(folder, { leavesFolder: false });
  t.regex((await faultOf(openDockerArchive(tree, options()))).message, /leads out of its folder/);
  writeFileSync(join(folder, 'manifest.json'), manifestJson({ Config: `../${folder.split('/').pop() ?? ''}x/../../../etc/passwd` }));
  t.regex((await faultOf(openDockerArchive(tree, options()))).message, /leads out of its folder/);
});

test('a layer that is packed has a digest of its own', async (t) => {
  const packed = gzipSync(upper);
  const found = await openOne(tarOfFiles({ ...old, 'l1/layer.tar': packed }));
  t.like(found.layers[1], { diffId: digestOf(upper), descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(packed), size: packed.length } });
  t.deepEqual(await contentOf(found.layers[1] ?? t.fail()), packed);
  await found.close();
});

test('several images: by tag, by number, or all', async (t) => {
  const other = madeImage({ layers: [upper], cmd: ['other'] });
  const both = { ...old, 'other.json': other.config, 'manifest.json': manifestJson({}, { Config: 'other.json', Layers: ['l1/layer.tar'], RepoTags: ['localhost:5000/x:2', 'y:3', '<none>:<none>'] }) };
  const unclear = await faultOf(openDockerArchive(await folderTree(both), options()));
  t.regex(unclear.message, /holds several images: app:1, localhost:5000\/x:2$/);
  t.regex(unclear.hint ?? '', /docker-archive:PATH:NAME/);
  for (const [name, cmd] of [['app:1', '/a'], ['docker.io/library/app:1', '/a'], ['y:3', 'other'], ['localhost:5000/x:2', 'other'], ['@1', 'other']] as const) {
    const [found] = await openDockerArchive(await folderTree(both), options({ name }));
    t.deepEqual(found?.config.value.config?.Cmd, [cmd], name);
  }
  t.regex((await faultOf(openDockerArchive(await folderTree(both), options({ name: 'app' })))).message, /holds no image 'app': there is app:1, localhost/);
  const all = await openDockerArchive(await tarTree(tarOfFiles(both)), options({ choose: 'all' }));
  t.deepEqual(all.map(({ names }) => names), [['docker.io/library/app:1'], ['localhost:5000/x:2', 'docker.io/library/y:3']]);
  await all[0]?.close();
  await all[0]?.close();
  t.deepEqual(await contentOf(all[1]?.layers[0] ?? t.fail()), upper, 'what the other still needs stays open');
  await all[1]?.close();
  await t.throwsAsync(() => contentOf(all[1]?.layers[0] ?? t.fail()), undefined, 'and is closed after it');
});

test("names of the config's file are not believed", async (t) => {
  for (const Config of [`sha256:${hex}`, 'blobs/x', './odd.json', `${'0'.repeat(64)}.json`]) {
    const found = await openOne(tarOfFiles({ ...old, [Config]: image.config, 'manifest.json': manifestJson({ Config, RepoTags: null }) }));
    t.is(found.config.descriptor.digest, digestOf(image.config));
    t.deepEqual(found.names, []);
    await found.close();
  }
});

test('archives that are damaged, or not whole, are refused with what is', async (t) => {
  const config = (changes: object): Buffer => Buffer.from(JSON.stringify({ ...(JSON.parse(String(image.config)) as object), ...changes }));
  const rows: [changes: Files, fault: RegExp][] = [
    [{ 'manifest.json': 'null' }, /'manifest\.json' in .* is null/],
    [{ 'manifest.json': '[]' }, /holds no image: its manifest\.json is an empty list/],
    [{ 'manifest.json': '{}' }, /is not a list of images/],
    [{ 'manifest.json': '[' }, /'manifest\.json' in .*:1:2: expected a value/],
    [{ 'manifest.json': '[null]' }, /\/0: expected an object, found null/],
    [{ 'manifest.json': manifestJson({ Config: undefined }) }, /\/0\/Config: expected/],
    [{ 'manifest.json': manifestJson({ RepoTags: 'x' }) }, /\/0\/RepoTags: expected an array/],
    [{ 'manifest.json': manifestJson({ Layers: ['l0/layer.tar'] }) }, /the image 'app:1' in .* has 1 layer, but its config speaks of 2/],
    [{ 'manifest.json': manifestJson({ Layers: null }) }, /has 0 layers, but its config speaks of 2/],
    [{ 'manifest.json': manifestJson({ Layers: ['l0/layer.tar', 'l9/layer.tar'] }) }, /the layer 'l9\/layer\.tar' in .* is not there/],
    [{ 'manifest.json': manifestJson({ Config: 'none.json' }) }, /the config 'none\.json' in .* is not there/],
    [{ [`${hex}.json`]: 'x' }, /the config '\w+…?.*' in .*:1:1: expected a value/],
    [{ [`${hex}.json`]: config({ rootfs: { type: 'layers', diff_ids: ['x'] } }) }, /diff_ids\/0: a digest is/],
    [{ [`${hex}.json`]: config({ architecture: 's390x' }) }, /has no image for linux\/\w+: it is for linux\/s390x/],
  ];
  for (const [changes, fault] of rows) t.regex((await faultOf(openDockerArchive(await folderTree({ ...old, ...changes }), options()))).message, fault);
  const without = Object.fromEntries(Object.entries(old).filter(([path]) => path !== 'manifest.json'));
  t.regex((await faultOf(openDockerArchive(await tarTree(tarOfFiles(without)), options()))).message, /no docker-archive: it holds no file 'manifest\.json'/);
});

test('an image that is listed twice is one, with the names of both', async (t) => {
  const files = { ...old, 'manifest.json': manifestJson({}, {}, { RepoTags: ['app:2', 'app:1'] }, { RepoTags: null }) };
  t.deepEqual((await openOne(tarOfFiles(files))).names, ['docker.io/library/app:1', 'docker.io/library/app:2']);
  t.is((await openOne(tarOfFiles(files), { name: 'app:2' })).config.descriptor.digest, digestOf(image.config));
  const other = { ...files, 'other.json': madeImage({ layers, cmd: ['other'] }).config, 'manifest.json': manifestJson({}, {}, { Config: 'other.json' }) };
  const fault = await faultOf(openDockerArchive(await tarTree(tarOfFiles(other)), options({ name: 'app:1' })));
  t.regex(fault.message, /^'.*' holds 2 images that are called 'app:1': @0, @1$/, 'two of one name are two');
});

test('a file that an archive holds twice is the same each time, or refused', async (t) => {
  const parts = Object.entries(old).map(([path, content]): TarPart => ({ path, content }));
  t.is((await openOne(tarOf([...parts, { path: './manifest.json', content: manifestJson({}) }, { path: 'l0/layer.tar', content: lower }]))).layers.length, 2);
  const others: readonly TarPart[] = [
    { path: 'manifest.json', content: manifestJson({ RepoTags: ['app:2'] }) }, { path: './manifest.json', content: '[]' }, { path: 'manifest.json', type: 'SymbolicLink', linkpath: `${hex}.json` },
    { path: `${hex}.json`, content: madeImage({ layers, cmd: ['other'] }).config }, { path: 'l0/layer.tar', content: Buffer.alloc(lower.length, 1) },
  ];
  for (const part of others) {
    const fault = await faultOf(openDockerArchive(await tarTree(tarOf([...parts, part])), options()));
    t.is(fault.code, 'ERR_TSRUN_IMAGE');
    t.regex(fault.message, /stands in '.*' twice, with different contents$/, part.path);
    t.regex(fault.hint ?? '', /docker takes the last, skopeo the first/);
  }
  t.is((await openOne(tarOf([...parts, { path: 'repositories', content: '{}' }]))).layers.length, 2, 'what is not read may be anything');
});
