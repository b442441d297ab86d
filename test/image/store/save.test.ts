import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Expand } from '../../../src/image/sources/source-options.js';
import type { ImageProgress } from '../../../src/image/image-types.js';
import { digestOf } from '../../../src/image/documents/digest.js';
import { defaultLimits } from '../../../src/image/store/import-image.js';
import type { ImageRecord } from '../../../src/image/store/records.js';
import { openSource } from '../../../src/image/sources/open-source.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { options } from '../sources/lab.js';
import { saveImages, type SaveInput } from '../../../src/image/store/save/save.js';
import type { ImageStore } from '../../../src/image/store/store.js';
import { needs } from '../../support/needs.js';
import { makeImage, makeLayer, offerLayer, storeLab, type StoreLab } from '../../support/store-lab.js';

const name = 'docker.io/library/made:1';

interface Made {
  readonly lab: StoreLab;
  readonly store: ImageStore;
  readonly record: ImageRecord;
  readonly save: (changes: Partial<SaveInput> & { readonly destination?: string }) => Promise<string>;
  readonly saveTo: (changes: Partial<SaveInput>) => Promise<void>;
}

async function made(t: ExecutionContext): Promise<Made> {
  const lab = storeLab(t);
  const store = await lab.open();
  const layers = [makeLayer({ 'bin/sh': '#!'.repeat(1000) }), makeLayer({ 'etc/passwd': 'root' })];
  const record = await store.import(makeImage(layers), { names: [name], tell: () => undefined });
  const expand: Expand = async (source, destination) => {
    execFileSync('zstd', ['-d', '-c'], { stdio: [source, destination, 'ignore'] });
    return Promise.resolve();
  };
  const saved = join(lab.folder, 'saved.tar');
  const saveTo = async (changes: Partial<SaveInput>) => {
    const expanding = { temporaryFolder: store.parts.layout.temporaries, expand, limits: defaultLimits };
    await saveImages({ blobs: store.parts.blobs, images: [{ record, names: [name] }], destination: saved, format: 'oci', tell: () => undefined, expanding, ...changes });
  };
  const save = async (changes: Partial<SaveInput> & { readonly destination?: string }) => {
    await saveTo(changes);
    return changes.destination ?? saved;
  };
  return { lab, store, record, save, saveTo };
}

function leftBeside(lab: StoreLab): string[] {
  return readdirSync(lab.folder).filter((each) => each !== 'store');
}

for (const [title, destination, format, prefix] of [
  ['a layout', 'layout', 'oci', 'oci'],
  ['a layout in a tar', 'saved.tar', 'oci', 'oci-archive'],
  ['an archive of docker\'s', 'saved.tar', 'docker-archive', 'docker-archive'],
] as const) {
  needs('command:skopeo')(`skopeo reads ${title}, and finds the same image in it`, async (t) => {
    const { lab, record, save } = await made(t);
    const path = await save({ destination: join(lab.folder, destination), format });
    const copied = join(lab.folder, 'copied');
    // Its digest is another one there: of docker's archives the manifest is made by who reads them.
    execFileSync('skopeo', ['copy', '-q', ...(format === 'oci' ? ['--preserve-digests'] : []), `${prefix}:${path}:${format === 'oci' ? '1' : name}`, `dir:${copied}`]);
    const manifest = readFileSync(join(copied, 'manifest.json'));
    if (format === 'oci') t.is(digestOf(manifest), record.manifest.digest);
    const config: unknown = JSON.parse(execFileSync('skopeo', ['inspect', '--config', '--raw', `dir:${copied}`], { encoding: 'utf8' }));
    t.like(config, { rootfs: { diff_ids: record.layers.map(({ diffId }) => diffId) } });
  });
}

test('the documents of a layout', async (t) => {
  const { lab, store, record, save } = await made(t);
  const folder = await save({ destination: join(lab.folder, 'layout'), images: [{ record, names: [name, 'host:5000/other:2'] }] });
  const index: unknown = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  const { mediaType, digest, size } = record.manifest;
  t.like(index, { schemaVersion: 2, manifests: [[name, '1'], ['host:5000/other:2', '2']].map(([whole, tag]) => ({ mediaType, digest, size, platform: { os: 'linux', architecture: 'amd64' }, annotations: { 'org.opencontainers.image.ref.name': tag, 'io.containerd.image.name': whole } })) });
  const nameless = await save({ destination: join(lab.folder, 'by-digest'), images: [{ record, names: [`docker.io/library/made@${digest}`] }] });
  const [entry] = (JSON.parse(readFileSync(join(nameless, 'index.json'), 'utf8')) as { manifests: { annotations: object }[] }).manifests;
  t.deepEqual(entry?.annotations, { 'io.containerd.image.name': `docker.io/library/made@${digest}` }, 'a digest is no tag');
  const ofIndex = await save({ destination: join(lab.folder, 'by-index'), images: [{ record, names: [`docker.io/library/made@sha256:${'1'.repeat(64)}`] }] });
  const [unnamed] = (JSON.parse(readFileSync(join(ofIndex, 'index.json'), 'utf8')) as { manifests: { annotations?: object }[] }).manifests;
  t.is(unnamed?.annotations, undefined, 'the digest of an index is none of the image that was taken from it');
  for (const blob of readdirSync(join(folder, 'blobs/sha256'))) t.deepEqual(readFileSync(join(folder, 'blobs/sha256', blob)), readFileSync(store.parts.layout.blob(`sha256:${blob}`)));
  t.is(readdirSync(join(folder, 'blobs/sha256')).length, 4);
});

needs('command:skopeo', 'command:umoci')('images of one tag in one layout are found by umoci, skopeo and tsrun', async (t) => {
  const { lab, store, record, save } = await made(t);
  const other = await store.import(makeImage([makeLayer({ other: 'other' })]), { names: [], tell: () => undefined });
  const images = [{ record, names: [name, 'docker.io/library/also:1', 'docker.io/library/made:2'] }, { record: other, names: ['docker.io/library/other:1', 'docker.io/library/other:3'] }];
  const path = await save({ destination: join(lab.folder, 'layout'), images });
  t.deepEqual(execFileSync('umoci', ['ls', '--layout', path], { encoding: 'utf8' }).trim().split('\n').sort(), ['2', '3', 'docker.io/library/also:1', 'docker.io/library/made:1', 'docker.io/library/other:1']);
  for (const [tag, { manifest }] of [['2', record], ['3', other]] as const) {
    t.regex(execFileSync('umoci', ['stat', '--json', '--image', `${path}:${tag}`], { encoding: 'utf8' }), /"history"/);
    t.is(digestOf(execFileSync('skopeo', ['inspect', '--raw', `oci:${path}:${tag}`])), manifest.digest);
  }
  const open = (wanted: string) => openSource({ form: 'any', path }, options({ name: wanted, platform: { os: 'linux', architecture: 'amd64' } }));
  for (const [wanted, { manifest }] of [['made:1', record], ['also:1', record], ['other:1', other], ['2', record], [other.manifest.digest, other]] as const) {
    t.deepEqual((await open(wanted)).map((each) => each.manifest.descriptor.digest), [manifest.digest], wanted);
  }
  await t.throwsAsync(open('1'), { instanceOf: TsrunError, message: /holds no image '1': there is / });
  const all = await openSource({ form: 'any', path }, options({ choose: 'all', platform: { os: 'linux', architecture: 'amd64' } }));
  t.deepEqual(all.map(({ names }) => names), images.map(({ names }) => names));
});

test('a stream is given the same bytes as a file, and stays open', async (t) => {
  const { save, saveTo } = await made(t);
  for (const format of ['oci', 'docker-archive'] as const) {
    const stream = new PassThrough();
    const given = buffer(stream);
    await saveTo({ format, destination: stream });
    t.false(stream.writableEnded);
    stream.end();
    t.deepEqual(await given, readFileSync(await save({ format })), format);
  }
});

test('a reader that goes away, one that takes nothing, and a stream that tells of no error', async (t) => {
  const { saveTo } = await made(t);
  const refusing = new Writable({ write: (_piece, _encoding, done) => { done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })); } });
  await t.throwsAsync(saveTo({ destination: refusing }), { code: 'ERR_TSRUN_HOST', message: 'the stream cannot be written: EPIPE' });
  const stalled = () => new Writable({ write: () => undefined });
  const stop = new AbortController();
  const waiting = saveTo({ destination: stalled(), signal: stop.signal });
  setImmediate(() => { stop.abort('enough'); });
  await t.throwsAsync(waiting, { code: 'ERR_TSRUN_ABORTED' });
  const destroyed = stalled();
  const failing = saveTo({ destination: destroyed });
  setImmediate(() => { destroyed.destroy(); });
  await t.throwsAsync(failing, { message: /prematurely|Premature|closed/i });
});

test('the documents of an archive, whose layers are plain, each once', async (t) => {
  const { lab, record, save } = await made(t);
  const seen: ImageProgress[] = [];
  const path = await save({ format: 'docker-archive', images: [{ record, names: [name, `docker.io/library/made@${record.manifest.digest}`] }, { record, names: [] }], tell: (progress) => seen.push(progress) });
  const folder = join(lab.folder, 'out');
  mkdirSync(folder);
  execFileSync('tar', ['-x', '-f', path, '-C', folder]);
  const [entry, nameless] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { Config: string; RepoTags: string[]; Layers: string[] }[];
  t.deepEqual(entry?.RepoTags, [name]);
  t.deepEqual(nameless?.RepoTags, []);
  t.deepEqual(entry?.Layers.map((layer) => digestOf(readFileSync(join(folder, layer)))), record.layers.map(({ diffId }) => diffId));
  t.is(digestOf(readFileSync(join(folder, entry?.Config ?? ''))), record.config.digest);
  t.is(readdirSync(folder).length, 4);
  t.is(seen.filter(({ finished }) => finished === true).length, 2);
  t.deepEqual(readdirSync(join(lab.root, 'tmp')), []);
});

needs('command:zstd')('layers that are packed by zstd become plain', async (t) => {
  const { store, save } = await made(t);
  const { diffId, bytes } = makeLayer({ a: '1'.repeat(5000) });
  const tar = execFileSync('gunzip', ['-c'], { input: bytes });
  const packed = execFileSync('zstd', ['-c', '-q'], { input: tar });
  const offer = makeImage([offerLayer(packed, diffId)]);
  await store.parts.blobs.put(packed, offer.layers[0]?.descriptor ?? offer.config.descriptor);
  await store.parts.blobs.put(offer.config.bytes, offer.config.descriptor);
  const [layer] = offer.layers;
  if (layer === undefined) return;
  const record: ImageRecord = {
    version: 1, manifest: offer.manifest.descriptor, config: offer.config.descriptor, platform: { os: 'linux', architecture: 'amd64' }, importedAtMs: 0,
    layers: [{ descriptor: layer.descriptor, diffId, key: diffId, unpackedBytes: 0, entries: 1 }],
  };
  const path = await save({ format: 'docker-archive', images: [{ record, names: [] }] });
  t.is(digestOf(execFileSync('tar', ['-x', '-O', '-f', path, `${diffId.slice(7)}.tar`])), diffId);
});

test('a damaged blob is named, and nothing is written', async (t) => {
  const { lab, store, record, save } = await made(t);
  const path = store.parts.layout.blob(record.layers[0]?.descriptor.digest ?? '');
  const bytes = readFileSync(path);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const error = await t.throwsAsync(save({ destination: join(lab.folder, 'layout') }));
  t.true(error.message.includes(path) && error.message.includes('damaged'), error.message);
  await t.throwsAsync(save({ format: 'docker-archive' }));
  t.deepEqual(leftBeside(lab), []);
});

test('what is there is not lost: a file is replaced when all is written, a folder must be empty', async (t) => {
  const { lab, save } = await made(t);
  writeFileSync(join(lab.folder, 'saved.tar'), 'old');
  await t.throwsAsync(save({ signal: AbortSignal.abort() }), { code: 'ERR_TSRUN_ABORTED' });
  t.is(readFileSync(join(lab.folder, 'saved.tar'), 'utf8'), 'old');
  t.true(readFileSync(await save({})).length > 1000);
  const folder = join(lab.folder, 'folder');
  mkdirSync(join(folder, 'in'), { recursive: true });
  await t.throwsAsync(save({ destination: folder }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /exists and is no empty folder/ });
  await t.throwsAsync(save({ destination: folder, format: 'docker-archive' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /is a folder/ });
  await t.throwsAsync(save({ destination: join(lab.folder, 'none/x.tar') }), { code: 'ERR_TSRUN_HOST', message: /cannot be written: ENOENT/ });
  mkdirSync(join(lab.folder, 'empty'));
  t.true(existsSync(join(await save({ destination: join(lab.folder, 'empty') }), 'index.json')));
});

test('two images of one tag are told apart by their whole names', async (t) => {
  const { lab, store, record, save } = await made(t);
  const other = await store.import(makeImage([makeLayer({ b: '2' })]), { names: [], tell: () => undefined });
  const images = [{ record, names: [name, 'docker.io/library/made:2'] }, { record: other, names: ['docker.io/library/other:1'] }];
  const folder = await save({ destination: join(lab.folder, 'same-tag'), images });
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { manifests: { annotations: Record<string, string> }[] };
  t.deepEqual(manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name']), [name, '2', 'docker.io/library/other:1']);
});

test('a place that is not there is told of as that', async (t) => {
  const { lab, save } = await made(t);
  const error = await t.throwsAsync<TsrunError>(save({ destination: join(lab.folder, 'no/such/saved.tar') }), { code: 'ERR_TSRUN_HOST' });
  t.regex(error.hint ?? '', /^the folder that it is to lie in is not there/);
});
