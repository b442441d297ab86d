import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import test from 'ava';
import { resolveImage } from '../../src/image/folder.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';
import { TsrunError } from '../../src/spec/errors.js';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-image-')));
test.after.always(() => {
  rmSync(base, { recursive: true, force: true });
});

let count = 0;

/** A folder; names that end in `/` are folders, values are the texts of files. */
function folder(entries: Readonly<Record<string, string>>): string {
  const path = join(base, `image-${count++}`);
  mkdirSync(path);
  for (const [name, text] of Object.entries(entries)) {
    mkdirSync(join(path, name.endsWith('/') ? name : join(name, '..')), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(join(path, name), text);
  }
  return path;
}

async function fault(path: string, choices = {}): Promise<TsrunError> {
  try {
    throw new Error(`resolved ${JSON.stringify(await resolveImage(path, choices))}`);
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
}

const config = (root = 'rootfs', more: object = {}) => JSON.stringify({ ociVersion: '1.2.0', root: { path: root }, ...more });

test('an unpacked root file system, by any path that leads there', async (t) => {
  const path = folder({ 'etc/': '', 'usr/': '' });
  const expected: ResolvedImage = { kind: 'rootfs', rootPath: path, name: basename(path) };
  t.deepEqual(await resolveImage(path), expected);
  t.deepEqual(await resolveImage(`${path}/`), expected);
  t.deepEqual(await resolveImage(relative(process.cwd(), path)), expected);
  symlinkSync(path, `${path}-link`);
  t.deepEqual(await resolveImage(`${path}-link`), expected);
  t.like(await resolveImage('/'), { kind: 'rootfs', rootPath: '/', name: '/' });
});

test('a merged /usr is a root, and so is a single static program', async (t) => {
  const merged = folder({ 'x/': '' });
  symlinkSync('usr/bin', join(merged, 'bin'));
  t.is((await resolveImage(merged)).kind, 'rootfs');
  const single = folder({ 'app/deep/server': '\x7fELF' });
  t.is((await fault(single)).code, 'ERR_TSRUN_IMAGE');
  chmodSync(join(single, 'app/deep/server'), 0o755);
  t.is((await resolveImage(single)).kind, 'rootfs');
});

test('a bundle', async (t) => {
  const mounts = [
    { destination: '/a', type: 'bind', source: 'data' },
    { destination: '/b', source: 'more', options: ['rbind'] },
    { destination: '/c', type: 'bind', source: '/abs' },
    { destination: '/d', type: 'tmpfs', source: 'tmpfs' },
  ];
  const path = folder({ 'rootfs/bin/': '', 'config.json': config('rootfs', { mounts, annotations: { a: 'b' } }) });
  const image = await resolveImage(path);
  t.like(image, { kind: 'bundle', rootPath: join(path, 'rootfs'), name: basename(path) });
  t.deepEqual({ ...image.spec?.annotations }, { a: 'b' });
  t.deepEqual(image.spec?.mounts?.map(({ source }) => source), [join(path, 'data'), join(path, 'more'), '/abs', 'tmpfs']);
  const elsewhere = folder({ 'config.json': config(join(path, 'rootfs')) });
  t.is((await resolveImage(elsewhere)).rootPath, join(path, 'rootfs'));
});

test('the content of a root file system does not make it a bundle', async (t) => {
  const path = folder({ 'etc/': '', 'rootfs/': '', 'config.json': config('/') });
  t.is((await resolveImage(path)).kind, 'rootfs');
  const odd = folder({ 'config.json': config('/') });
  t.is((await resolveImage(odd)).kind, 'bundle');
  t.is((await resolveImage(odd, { kind: 'rootfs' })).kind, 'rootfs');
  t.is((await resolveImage(path, { kind: 'bundle' })).rootPath, '/');
});

test('what is missing or of another kind has its own sentence and hint', async (t) => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  symlinkSync('loop', join(base, 'loop'));
  const rows: [path: string, message: RegExp, hint: RegExp][] = [
    ['', /^the path of the image is empty$/, /name a folder/],
    ['a\0b', /holds a NUL/, /name a folder/],
    [join(base, 'missing'), /^image '.*missing' does not exist$/, /no such entry in/],
    [join(base, 'no/where'), /does not exist$/, /no' does not exist either/],
    ['alpine:3.20', /^image 'alpine:3.20' does not exist$/, /no such entry in/],
    [file, /is a file, not a folder$/, /name the folder/],
    [join(file, 'x'), /a part of the path is a file/, /check the path/],
    [join(base, 'loop'), /symbolic link that leads to itself/, /name the folder itself/],
    [folder({}), /is an empty folder: looked for config\.json, oci-layout and manifest\.json, for \/bin, .* executable file$/, /unpacked files/],
    [folder({ 'readme.txt': 'x' }), /is neither a root file system nor an OCI bundle/, /unpacked files/],
    [folder({ 'rootfs/etc/': '' }), /is neither/, /^did you mean '.*\/rootfs'\?$/],
    [folder({ 'oci-layout': '{}', 'blobs/': '' }), /is an OCI image layout, not the folder of a root file system$/, /import it, as oci:/],
    [folder({ 'manifest.json': '[]' }), /is an unpacked docker-archive, not the folder/, /import it, as docker-archive:/],
    [folder({ 'manifest.json': '{}', version: '' }), /is a folder of skopeo's, not the folder/, /import it, as dir:/],
    [folder({ 'config.json': config() }), /^the root 'rootfs' of bundle 'image-\d+' does not exist$/, /root\.path/],
    [folder({ 'config.json': config(), rootfs: '' }), /is not a folder$/, /root\.path/],
    [folder({ 'config.json/x': '' }), /config\.json' is not a regular file$/, /beside its root/],
  ];
  for (const [path, message, hint] of rows) {
    const error = await fault(path);
    t.is(error.code, 'ERR_TSRUN_IMAGE', path);
    t.regex(error.message, message);
    t.regex(error.hint ?? '', hint);
  }
  t.regex((await fault(folder({ 'etc/': '' }), { kind: 'bundle' })).message, /config\.json' does not exist$/);
});

test('a config.json that breaks the runtime-spec is told of by name and field', async (t) => {
  t.like(await fault(folder({ 'config.json': '{"ociVersion":"1.0.0"}' })), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/root' });
  t.regex((await fault(folder({ 'config.json': '{"a":1,"a":2}' }))).message, /image-\d+\/config\.json:1:\d+: duplicate key/);
});

test('a config.json cannot hold up or fill the caller', async (t) => {
  const fifo = folder({});
  execFileSync('mkfifo', [join(fifo, 'config.json')]);
  t.regex((await fault(fifo)).message, /is not a regular file$/);
  const large = folder({ 'config.json': '' });
  truncateSync(join(large, 'config.json'), 2 ** 31);
  t.regex((await fault(large)).message, /is larger than 4194304 bytes/);
});

test('what cannot be read on the way is passed over: in /proc, what opendir(3) opens and readdir(3) refuses', async (t) => {
  const error = await fault('/proc');
  t.is(error.code, 'ERR_TSRUN_IMAGE', error.message);
  t.regex(error.message, /^image '\/proc' is neither a root file system nor an OCI bundle/);
});
