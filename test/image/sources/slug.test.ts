import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import type { OfferedImage } from '../../../src/image/offer.js';
import { openSource, type SourceForm } from '../../../src/image/sources/open-source.js';
import type { SourceOptions } from '../../../src/image/sources/source-options.js';
import { walkTar, type TarEntry } from '../../../src/image/sources/tar-walk.js';
import { needs } from '../../support/needs.js';
import { contentOf, faultOf, folderOf, layoutFiles, madeImage, newFile, newFolder, options, tarOf, tarOfFiles, type TarPart } from './lab.js';

async function openOne(bytes: Buffer, form: SourceForm = 'slug', changes: Partial<SourceOptions> = {}): Promise<OfferedImage> {
  const [image, ...more] = await openSource({ form, path: newFile(bytes) }, options(changes));
  if (image === undefined || more.length > 0) throw new Error('no slug is several images');
  return image;
}

async function layerOf(image: OfferedImage): Promise<Buffer> {
  const [layer] = image.layers;
  if (layer === undefined) throw new Error('a slug has one layer');
  return contentOf(layer);
}

async function entriesOf(bytes: Buffer): Promise<TarEntry[]> {
  const handle = await open(newFile(bytes));
  const entries: TarEntry[] = [];
  for await (const entry of walkTar(handle, 'x')) entries.push(entry);
  await handle.close();
  return entries;
}

const shownEntries = async (bytes: Buffer): Promise<string[]> => (await entriesOf(bytes)).map(({ kind, path, target }) => [kind, path, ...(target === '' ? [] : [target])].join(' '));

/** An app as people have them: folders, links, a program, long names, files larger than a window. */
function app(): string {
  const folder = folderOf({
    'app/Procfile': 'web: node server.js --port $PORT\nworker: sh worker.sh\n', 'app/server.js': 'x', 'app/.profile.d/10-a.sh': 'export A=1\n', 'app/big': 'b'.repeat(300_000),
    [`app/node_modules/${'long-name/'.repeat(30)}index.js`]: 'deep', 'app/ünïcode-✓/ä': 'u', 'app/empty': '',
  });
  chmodSync(join(folder, 'app/server.js'), 0o755);
  linkSync(join(folder, 'app/server.js'), join(folder, 'app/hard'));
  symlinkSync('server.js', join(folder, 'app/soft'));
  mkdirSync(join(folder, 'app/.jdk'));
  symlinkSync('/etc/ssl/certs/java/cacerts', join(folder, 'app/.jdk/cacerts'));
  utimesSync(join(folder, 'app/server.js'), 1_600_000_000, 1_600_000_000);
  return folder;
}

const pack = (folder: string, ...args: string[]): Buffer => execFileSync('tar', ['-cf', '-', '--sort=name', ...args], { cwd: folder, maxBuffer: 2 ** 30 });

needs('command:tar')('both forms, however they are packed, are one image', async (t) => {
  const folder = app();
  const slugs: [bytes: Buffer, form: SourceForm][] = [
    [pack(folder, './app'), 'slug'], [gzipSync(pack(folder, './app')), 'any'], [pack(folder, 'app'), 'any'], [gzipSync(pack(join(folder, 'app'), '.')), 'any'],
    [pack(folder, '--format=pax', './app'), 'slug'], [pack(folder, '--owner=0', '--group=12345', '--format=gnu', './app'), 'slug'],
  ];
  const found = new Set<string>();
  for (const [bytes, form] of slugs) {
    const image = await openOne(bytes, form);
    t.is(image.layers[0]?.diffId, digestOf(await layerOf(image)));
    t.is(image.layers[0]?.descriptor.digest, image.layers[0]?.diffId);
    t.is(image.layers[0]?.descriptor.size, (await layerOf(image)).length);
    found.add(image.manifest.descriptor.digest);
    await image.close();
  }
  t.is(found.size, 1, 'the digest depends on the app alone');
});

needs('command:tar', 'command:python3')('the layer, as other tools read it', async (t) => {
  const folder = app();
  const image = await openOne(gzipSync(pack(folder, './app')));
  const layer = newFile(await layerOf(image));
  const script = `import tarfile, json, sys
print(json.dumps([[m.name, m.type.decode(), m.mode, m.uid, m.gid, m.size, m.mtime, m.linkname] for m in tarfile.open(sys.argv[1])]))`;
  const members = JSON.parse(execFileSync('python3', ['-c', script, layer], { encoding: 'utf8' })) as [string, string, number, number, number, number, number, string][];
  t.deepEqual(members[0]?.slice(0, 2), ['app', '5']);
  t.true(members.every(([, , , uid, gid]) => uid === 1000 && gid === 1000));
  const program = members.find(([name, type]) => name === 'app/hard' && type === '0'); // The first of two names, by tar's order.
  t.deepEqual(program?.slice(2, 7), [0o755, 1000, 1000, 1, 1_600_000_000]);
  t.deepEqual(members.find(([name]) => name === 'app/.jdk/cacerts')?.at(-1), '/etc/ssl/certs/java/cacerts', "a link to the stack's files stays");
  const unpacked = newFolder();
  execFileSync('tar', ['-xf', layer, '--no-same-owner'], { cwd: unpacked });
  t.is(spawnSync('diff', ['-r', '--no-dereference', join(folder, 'app'), join(unpacked, 'app')], { encoding: 'utf8' }).stdout, '');
  for (const offset of [0, 1, 511, 512, 1000, 200_000, 10 ** 9]) {
    t.deepEqual(await contentOf(image.layers[0] ?? t.fail(), offset), readFileSync(layer).subarray(offset), `from ${offset}`);
  }
  await image.close();
});

test('config, process types and command', async (t) => {
  const image = await openOne(tarOfFiles({ './app/Procfile': 'worker: b\nweb: node a.js "$PORT" && x\n', './app/a.js': '' }));
  const { config, ...rest } = image.config.value;
  t.like(config, { User: '1000:1000', Env: ['HOME=/app'], WorkingDir: '/app', Cmd: ['node a.js "$PORT" && x'] });
  t.deepEqual(JSON.parse(config?.Labels?.['tsrun.process-types'] ?? ''), { worker: 'b', web: 'node a.js "$PORT" && x' });
  t.deepEqual(rest.rootfs.diff_ids, image.layers.map(({ diffId }) => diffId));
  t.deepEqual(image.names, []);
  const without = await openOne(tarOfFiles({ 'app/x': '' }));
  t.is(without.config.value.config?.Cmd, undefined);
  t.deepEqual(without.config.value.config?.Labels, { 'tsrun.process-types': '{}' });
  const only = await openOne(tarOfFiles({ Procfile: 'job: x' }), 'any');
  t.deepEqual(only.config.value.config?.Cmd, ['x']);
  await Promise.all([image, without, only].map((each) => each.close()));
});

test('what lies beside ./app is left out, and a Rails app with a folder of that name is not taken apart', async (t) => {
  const heroku = await openOne(tarOfFiles({ './app/Procfile': 'web: x', './README': 'r', './other/y': 'y' }));
  t.deepEqual(await shownEntries(await layerOf(heroku)), ['directory app/', 'file app/Procfile']);
  const rails = await openOne(tarOfFiles({ Procfile: 'web: x', 'app/models/a.rb': 'a', 'bin/rails': '' }));
  t.deepEqual(await shownEntries(await layerOf(rails)), [
    'directory app/', 'file app/Procfile', 'directory app/app/', 'directory app/app/models/', 'file app/app/models/a.rb', 'directory app/bin/', 'file app/bin/rails',
  ]);
  await Promise.all([heroku, rails].map((each) => each.close()));
});

test('folders come before what is in them, and links are moved along', async (t) => {
  const parts: TarPart[] = [
    { path: './', type: 'Directory', mode: 0o700, uid: 5, mtime: new Date(1000) }, { path: './Procfile', content: 'web: x' }, { path: './a/b/c', content: 'c', mode: 0o4755 },
    { path: './d', type: 'Link', linkpath: './a/b/c' }, { path: './e', type: 'SymbolicLink', linkpath: 'a/b' }, { path: './d', type: 'Link', linkpath: 'd' },
  ];
  const image = await openOne(tarOf(parts), 'any');
  const bytes = await layerOf(image);
  t.deepEqual(await shownEntries(bytes), [
    'directory app/', 'file app/Procfile', 'directory app/a/', 'directory app/a/b/', 'file app/a/b/c', 'hard link app/d app/a/b/c', 'symbolic link app/e a/b',
  ]);
  const entries = await entriesOf(bytes);
  t.like(entries[0], { mode: 0o700, mtimeSeconds: 1 });
  t.like(entries[4], { mode: 0o4755, size: 1 });
  await image.close();
});

test('what cannot be in a slug is refused by its name', async (t) => {
  const good: TarPart = { path: './app/Procfile', content: 'web: x' };
  const rows: [part: TarPart, message: RegExp][] = [
    [{ path: './app/../etc/passwd' }, /^'\.\/app\/\.\.\/etc\/passwd' in the slug '.*' leads out of the archive by '\.\.'/],
    [{ path: '../x' }, /leads out/],
    [{ path: './app/null', type: 'CharacterDevice', devmaj: 1, devmin: 3 }, /^'\.\/app\/null' in the slug .* is a character device$/],
    [{ path: './app/disk', type: 'BlockDevice' }, /is a block device$/],
    [{ path: './app/pipe', type: 'FIFO' }, /is a fifo$/],
    [{ path: './app/.wh.file', content: 'x' }, /has a name that begins with \.wh\., which in a layer is something taken away$/],
    [{ path: './app/hard', type: 'Link', linkpath: '/etc/passwd' }, /^'\.\/app\/hard' in the slug .* is a hard link out of the slug, to '\/etc\/passwd'$/],
    [{ path: './app/hard', type: 'Link', linkpath: './app/../../x' }, /leads out/],
    [{ path: './app/hard', type: 'Link', linkpath: './app/none' }, /is a hard link to 'app\/none', which is no file before it$/],
    [{ path: './app/hard', type: 'Link', linkpath: './app' }, /is a hard link to 'app', which is no file/],
    [{ path: `./app/${'x'.repeat(5000)}`, pax: { path: `./app/${'x'.repeat(5000)}` } }, /has a path that is too long$/],
    [{ path: './app', type: 'SymbolicLink', linkpath: '/etc' }, /is a symbolic link, where the folder of the app must be/],
    [{ path: './app', content: 'x' }, /is a file, where the folder of the app must be/],
    [{ path: './app/\ufffd' }, /has a name that is not UTF-8/],
    [{ path: './app/Procfile', content: 'web: x\nworker' }, /'Procfile' in '.*':2: expected 'type: command'/],
    [{ path: './app/Procfile', content: Buffer.from([0x77, 0x3a, 0x20, 0xff]) }, /'Procfile' in .* is not UTF-8/],
    [{ path: './app/Procfile', content: 'x'.repeat(1024 * 1024 + 1) }, /has 1048577 bytes, at most 1048576 are read/],
    [{ path: './app/Procfile', type: 'SymbolicLink', linkpath: 'Procfile' }, /lead in a circle/],
  ];
  for (const [part, message] of rows) {
    const error = await faultOf(openSource({ form: 'slug', path: newFile(gzipSync(tarOf([good, part]))) }, options()));
    t.regex(error.message, message);
    t.is(error.code, 'ERR_TSRUN_IMAGE');
  }
  const control = await openOne(tarOf([good]));
  await control.close();
  t.regex((await faultOf(openSource({ form: 'slug', path: newFolder() }, options()))).message, /is a folder, not a slug/);
});

test('images are no slug, but a slug may hold a file that is called as theirs', async (t) => {
  const image = madeImage();
  const archive = { 'c.json': image.config, 'l.tar': image.blobs[2] ?? '', 'manifest.json': JSON.stringify([{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['l.tar'] }]) };
  for (const [files, prefix] of [[archive, 'docker-archive'], [layoutFiles([image.manifest], image.blobs), 'oci-archive']] as const) {
    const fault = await faultOf(openSource({ form: 'slug', path: newFile(gzipSync(tarOfFiles(files))) }, options()));
    t.regex(fault.message, /is no slug: it holds images, as /);
    t.is(fault.hint, `name it ${prefix}:PATH`);
  }
  // Of a web app.
  const own = { 'manifest.json': '{"name":"app","display":"standalone"}', 'index.html': '' };
  t.is((await openSource({ form: 'slug', path: newFile(tarOfFiles(own)) }, options())).length, 1);
  t.is((await openSource({ form: 'slug', path: newFile(tarOfFiles({ ...archive, Procfile: 'web: ./app' })) }, options())).length, 1);
});

test('a root file system in a tar is no slug, and told so', async (t) => {
  const error = await faultOf(openSource({ form: 'any', path: newFile(tarOfFiles({ './etc/passwd': '', './usr/bin/x': '' })) }, options()));
  t.regex(error.hint ?? '', /looks like a root file system: unpack it into a folder/);
});

needs('command:bash')("the boot: the app's profile scripts by name, then .profile, then the command", async (t) => {
  const home = folderOf({
    '.profile.d/20-b.sh': 'order="$order b"', '.profile.d/10-a.sh': 'order="$order a"; echo "args $#"; set -- x y z', '.profile.d/30.txt': 'order="$order never"',
    '.profile': 'export order="$order profile"; export GREETING="$CONFIG!"',
  });
  const image = await openOne(tarOfFiles({ './app/Procfile': 'web: echo "$order|$GREETING|$0|$#"' }));
  const { Entrypoint = [], Cmd = [] } = image.config.value.config ?? {};
  const boot = (...command: readonly string[]) => {
    const [program = '', ...args] = Entrypoint;
    return spawnSync(program, [...args, ...command], { encoding: 'utf8', env: { HOME: home, PATH: process.env['PATH'], CONFIG: 'hello' }, cwd: home });
  };
  t.is(boot(...Cmd).stdout, 'args 0\n a b profile|hello!|bash|0\n');
  t.is(boot('echo one | tr a-z A-Z; exit 3').status, 3);
  t.is(boot('printf', '%s.', 'a b', 'c').stdout, 'args 0\na b.c.', 'several words are a program and its arguments');
  t.is(boot('cat /proc/$$/comm; exec cat /proc/self/comm').stdout.split('\n')[2], 'cat');
  t.is(spawnSync('bash', ['-c', Entrypoint[2] ?? '', 'bash', 'echo $PPID $$'], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: newFolder() } }).stdout.split(' ')[0], String(process.pid), 'no shell stands between');
  await image.close();
});
