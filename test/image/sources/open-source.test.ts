import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import { packingOf } from '../../../src/image/sources/expand.js';
import { openSource, openStream, type SourceForm } from '../../../src/image/sources/open-source.js';
import type { SourceOptions } from '../../../src/image/sources/source-options.js';
import { openTemporaryFile, writeFrom } from '../../../src/image/sources/temporary-file.js';
import { needs } from '../../support/needs.js';
import { until } from '../../support/until.js';
import { base, contentOf, faultOf, folderOf, layoutFiles, madeImage, newFile, newFolder, options, tarOf, tarOfFiles, type Files } from './lab.js';

const image = madeImage();
const layer = image.blobs[2] ?? Buffer.alloc(0);
const layout = layoutFiles([image.manifest], image.blobs);
const docker: Files = { 'config.json': image.config, 'layer.tar': layer, 'manifest.json': JSON.stringify([{ Config: 'config.json', Layers: ['layer.tar'] }]) };
const skopeo: Files = {
  version: 'Directory Transport Version: 1.1\n', 'manifest.json': image.blobs[0] ?? '',
  ...Object.fromEntries(image.blobs.slice(1).map((blob) => [digestOf(blob).slice(7), blob])),
};

function openedFiles(): string[] {
  return readdirSync('/proc/self/fd').sort();
}

test.serial('what lies at a path is told by its content, and let go of', async (t) => {
  const both = { ...docker, ...layout };
  const rows: [form: SourceForm, path: string][] = [
    ['any', folderOf(layout)], ['oci', folderOf(layout)], ['any', newFile(tarOfFiles(layout))], ['oci-archive', newFile(tarOfFiles(layout))], ['oci', newFile(tarOfFiles(layout))],
    ['any', folderOf(docker)], ['docker-archive', folderOf(docker)], ['any', newFile(tarOfFiles(docker))], ['docker-archive', newFile(tarOfFiles(docker))],
    ['any', folderOf(skopeo)], ['dir', folderOf(skopeo)], ['any', newFile(tarOfFiles(both))], ['docker-archive', newFile(tarOfFiles(both))],
    ['any', newFile(gzipSync(tarOfFiles(layout)))], ['docker-archive', newFile(gzipSync(tarOfFiles(docker)))],
  ];
  // Node's own files are opened by the first read of all.
  await (await openSource({ form: 'any', path: rows[2]?.[1] ?? '' }, options()))[0]?.close();
  for (const [form, path] of rows) {
    const before = openedFiles();
    const [found, ...more] = await openSource({ form, path }, options());
    t.is(more.length, 0);
    t.is(found?.layers[0]?.diffId, digestOf(layer), `${form}:${path}`);
    t.deepEqual(await contentOf(found?.layers[0] ?? t.fail()), layer);
    await found?.close();
    t.deepEqual(openedFiles(), before, `${form}:${path}`);
  }
  const [ofBoth] = await openSource({ form: 'any', path: newFile(tarOfFiles(both)) }, options());
  t.is(ofBoth?.manifest.descriptor.digest, image.manifest.digest, 'a layout has its own manifest');
  await ofBoth?.close();
});

for (const [program, suffix] of [['zstd', 'zst'], ['xz', 'xz'], ['bzip2', 'bz2']] as const) {
  needs(`command:${program}`)(`an archive, and a layer in one, that ${program} has packed`, async (t) => {
    const pack = (bytes: Buffer): Buffer => {
      const path = newFile(bytes);
      execFileSync(program, ['-k', path], { stdio: 'ignore' });
      return readFileSync(`${path}.${suffix}`);
    };
    const inner = { ...docker, 'layer.tar': pack(layer) };
    if (program === 'zstd') t.is(packingOf(Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0, 0])), 'zstd');
    for (const bytes of [pack(tarOfFiles(layout)), tarOfFiles(inner), pack(tarOfFiles(inner))]) {
      const [found] = await openSource({ form: 'any', path: newFile(bytes) }, options());
      const [offered] = found?.layers ?? [];
      const content = await contentOf(offered ?? t.fail());
      t.like(offered?.descriptor, { digest: digestOf(content), size: content.length });
      await found?.close();
    }
  });
}

test.after('what lay in between has no name', (t) => {
  t.deepEqual(readdirSync(base).filter((name) => name.startsWith('source-')), []);
});

test.serial('what is no image, or a damaged one, is told by what it is and what was looked for', async (t) => {
  const tar = tarOfFiles(layout);
  const truncated = newFile(tar);
  truncateSync(truncated, 2600);
  const damaged = Buffer.from(tar);
  damaged[512 * 4] = (damaged[512 * 4] ?? 0) ^ 1;
  const link = join(newFolder(), 'link');
  symlinkSync('nowhere', link);
  const fifo = join(newFolder(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const zip = gzipSync(tar);
  const rows: [path: string, message: RegExp, form?: SourceForm, changes?: Partial<SourceOptions>][] = [
    [join(base, 'missing'), /^image '.*missing' does not exist$/],
    [link, /does not exist$/],
    [join(truncated, 'x'), /does not exist$/],
    ['/dev/null', /is neither a file nor a folder/],
    [fifo, /^'.*fifo' is a pipe$/],
    ['/proc/self/mem', /^'\/proc\/self\/mem' cannot be read: EIO$/],
    [newFile(''), /is an empty file: looked for a tar archive, plain or packed by gzip, zstd, xz or bzip2$/],
    [newFile('PK\x03\x04…'), /is a zip archive, not an image/],
    [newFile('{"a":1}'), /is JSON, not an image/],
    [newFile('x'.repeat(2000)), /is a file that is no image: looked for a tar archive/],
    [newFile(gzipSync('x'.repeat(2000))), /is a file that is no image/],
    [newFile(tarOfFiles({ 'etc/passwd': '' })), /^the archive '.*' holds no image: looked for oci-layout, for manifest\.json, and for a slug's \.\/app or Procfile$/],
    [newFolder(), /^the folder '.*' holds no image: looked for oci-layout, manifest\.json/],
    [truncated, /is cut short: it ends inside '/],
    [newFile(damaged), /is no tar archive, or a damaged one: at byte \d+ stands a header whose checksum is wrong/],
    [newFile(zip.subarray(0, zip.length / 2)), /^'.*' cannot be expanded from gzip: the archive is refused: gzip says so$/],
    [newFile(Buffer.concat([zip.subarray(0, 20), Buffer.from('damage'), zip.subarray(26)])), /cannot be expanded from gzip/],
    [newFile(zip), /it is too large$/, 'any', { limits: { bytes: 600, ratio: 1000 } }],
    [newFile(gzipSync(Buffer.alloc(30_000_000))), /it is too large$/, 'any', { limits: { bytes: 2 ** 40, ratio: 100 } }],
    [newFile(zip), /'\/nowhere' cannot be written: ENOENT/, 'any', { temporaryFolder: '/nowhere' }],
    [newFile(tar), /is no docker-archive: it holds no file 'manifest\.json'/, 'docker-archive'],
    [newFile(tarOfFiles(docker)), /is no OCI image layout: it holds no file 'oci-layout'/, 'oci'],
    [folderOf(docker), /is no OCI image layout/, 'oci'],
    [folderOf(docker), /no folder as skopeo's 'dir:' has it/, 'dir'],
    [folderOf(skopeo), /is not a list of images/, 'docker-archive'],
    [newFile(tar), /is a file, not a folder as skopeo's 'dir:'/, 'dir'],
    [folderOf({ ...skopeo, [digestOf(layer).slice(7)]: 'x' }), /the layer sha256:\w+ in .* is damaged/, 'dir'],
    [folderOf({ version: 'Directory Transport Version: 1.1\n' }), /is not whole: it holds no file 'manifest\.json'/],
  ];
  const before = openedFiles();
  for (const [path, message, form = 'any', changes = {}] of rows) {
    const error = await faultOf(openSource({ form, path }, options(changes)));
    t.regex(error.message, message);
    t.is(error.code, changes.temporaryFolder === undefined ? 'ERR_TSRUN_IMAGE' : 'ERR_TSRUN_STORE');
    t.truthy(error.hint);
  }
  // Pipes of a program that expands close a little after it was told to end.
  await until(() => openedFiles().join(' ') === before.join(' '), 'all that was opened to be closed');
});

test.serial('what comes by a stream lies in a file without a name, and errors call it by its own', async (t) => {
  const before = openedFiles();
  const from = (...pieces: readonly (Buffer | string)[]) => Readable.from(pieces, { objectMode: true });
  for (const bytes of [tarOfFiles(layout), gzipSync(tarOfFiles(docker))]) {
    const folder = newFolder();
    const told: unknown[] = [];
    const asked = options({ temporaryFolder: folder, checksum: `SHA256:${digestOf(bytes).slice(7)}` });
    const [found, ...more] = await openStream(from(bytes.subarray(0, 200), bytes.subarray(200)), 'the stream', asked, (...news) => { told.push(news); });
    t.deepEqual(told, [[200, false], [bytes.length, false], [bytes.length, true]]);
    t.is(more.length, 0);
    t.deepEqual(readdirSync(folder), []);
    t.deepEqual(await contentOf(found?.layers[0] ?? t.fail()), layer);
    await found?.close();
  }
  t.is((await faultOf(openStream(from(), 'the stream', options()))).message, 'the stream is an empty file: looked for a tar archive, plain or packed by gzip, zstd, xz or bzip2');
  t.regex((await faultOf(openStream(from('text'), 'the stream', options()))).message, /^the stream gives a string, not bytes$/);
  const cut = tarOfFiles(layout).subarray(0, 520);
  t.regex((await faultOf(openStream(from(cut), 'the stream', options()))).message, /^the stream is cut short/);
  const stop = new AbortController();
  const endless = openStream(new Readable({ read: () => undefined }), 'the stream', options({ signal: stop.signal }));
  setImmediate(() => { stop.abort('enough'); });
  t.like(await faultOf(endless), { code: 'ERR_TSRUN_ABORTED', message: 'reading the stream was aborted' });
  const broken = new Readable({ read: () => { broken.destroy(new Error('it broke')); } });
  await t.throwsAsync(openStream(broken, 'the stream', options()), { message: 'it broke' });
  t.deepEqual(openedFiles(), before);
});

test('a temporary file has a name at no moment', async (t) => {
  const folder = newFolder();
  const seen: string[] = [];
  const watcher = watch(folder, (_event, name) => { seen.push(String(name)); });
  const handle = await openTemporaryFile(folder);
  await writeFrom(Readable.from([Buffer.from('ab'), Buffer.from('c')]), handle, folder);
  writeFileSync(join(folder, 'control'), '');
  await until(() => seen.includes('control'), 'the watcher');
  watcher.close();
  // inotify(7) tells of an O_TMPFILE by its inode, under which nothing lies in the folder.
  t.deepEqual([...new Set(seen)].filter((name) => !name.startsWith('#')), ['control']);
  t.is(String(await handle.readFile()), 'abc');
  await handle.close();
  await t.throwsAsync(openTemporaryFile(join(folder, 'none')), { code: 'ERR_TSRUN_STORE', message: /cannot be written: ENOENT/ });
});

test.serial('it ends with its signal', async (t) => {
  const signal = AbortSignal.abort(new Error('enough'));
  for (const bytes of [tarOfFiles(layout), gzipSync(tarOfFiles(layout))]) {
    const error = await faultOf(openSource({ form: 'any', path: newFile(bytes) }, options({ signal })));
    t.is(error.code, 'ERR_TSRUN_ABORTED');
    t.deepEqual(error.cause, new Error('enough'));
  }
});

test('a header that is changed anywhere gives another reading or a refusal, never anything else', async (t) => {
  const original = tarOf([
    { path: 'oci-layout', content: layout['oci-layout'] ?? '', pax: { path: 'oci-layout', size: 30 } },
    ...Object.entries(layout).slice(1).map(([path, content]) => ({ path, content })),
  ]);
  for (let at = 0; at < 4096; at += 7) {
    const changed = Buffer.from(original);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    try {
      const images = await openSource({ form: 'any', path: newFile(changed) }, options());
      await Promise.all(images.map((each) => each.close()));
    } catch (error) {
      t.is(error instanceof Error && 'code' in error ? error.code : error, 'ERR_TSRUN_IMAGE', `byte ${at}`);
    }
  }
  t.pass();
});
