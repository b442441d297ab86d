/**
 * Layers by tools that are not ours, as they unpack here and as umoci unpacks them: types, modes, owners, times, contents, attributes,
 * links and hard links.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { freshFolder, unpack } from '../support/archive-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar, type TarEntry } from '../support/tar.js';
import { readTree, type Tree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr', 'command:umoci', 'command:bsdtar', 'command:zstd');

const makeTree = `
mkdir -p usr/bin usr/lib etc 'with blank' deep/$(printf 'n%.0s' $(seq 120))/$(printf 'm%.0s' $(seq 120)); echo text >etc/file; echo '#!/bin/sh' >usr/bin/tool
chmod 4755 usr/bin/tool; chown 0:50 usr/bin/tool; ln usr/bin/tool usr/bin/same; ln -s usr/lib lib; ln -s /etc/file usr/bin/absolute; mkfifo etc/pipe
chown -R 1000:1000 'with blank'; chmod 1777 'with blank'; touch -hd '2001-02-03 04:05:06.789' etc/file lib; (cd deep/*/*; echo long >$(printf 'o%.0s' $(seq 120)))
setfattr -n user.note -v x etc/file; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/same; ln -s $(printf 'x%.0s' $(seq 150)) longlink; printf é >etc/é
truncate -s 3M etc/sparse; printf x | dd of=etc/sparse bs=1 seek=2000000 conv=notrunc 2>/dev/null; chown 70000:80000 etc/é; mkdir -m 0 closed`;

let source: string | undefined;

function tree(): string {
  if (source !== undefined) return source;
  const folder = freshFolder(lab);
  execFileSync('sh', ['-ec', makeTree], { cwd: folder });
  source = folder;
  return folder;
}

const python = `
import sys, tarfile
form = {'gnu': tarfile.GNU_FORMAT, 'pax': tarfile.PAX_FORMAT}[sys.argv[1]]
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=form) as tar: tar.add(sys.argv[2], '.')`;

const makers: Readonly<Record<string, readonly string[]>> = {
  'GNU tar, pax': ['tar', '--format=pax', '--xattrs', '--xattrs-include=*', '-cf', '-', '.'],
  'GNU tar, pax, sparse': ['tar', '--format=pax', '--xattrs', '--xattrs-include=*', '-S', '-cf', '-', '.'],
  'GNU tar, gnu': ['tar', '--format=gnu', '-cf', '-', '.'],
  'GNU tar, gnu, sparse': ['tar', '--format=gnu', '-S', '-cf', '-', '.'],
  'bsdtar': ['bsdtar', '--format=pax', '-cf', '-', '.'],
  'bsdtar, gnu': ['bsdtar', '--format=gnutar', '-cf', '-', '.'],
  'Python, pax': ['python3', '-c', python, 'pax', '.'],
  'Python, gnu': ['python3', '-c', python, 'gnu', '.'],
};

for (const [maker, command] of Object.entries(makers)) {
  test(`a layer by ${maker} is the tree that it was made of`, async (t) => {
    const [program = '', ...words] = command;
    const bytes = execFileSync(program, words, { cwd: tree(), maxBuffer: 2 ** 27, env: { PATH: process.env['PATH'], LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore'] });
    const { folder, report } = await unpack(lab, gzipSync(bytes, { level: 1 }));
    t.false(report.dependsOnLower);
    t.is(report.diffId, `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const whole = maker.includes('pax') || maker === 'bsdtar';
    const options = { times: false, xattrs: () => whole && !maker.includes('Python') };
    t.deepEqual(readTree(folder, options), readTree(tree(), options));
    const seconds = (path: string) => Math.floor(Number(readTree(path)['etc/file']?.mtime) / 1e9);
    t.is(seconds(folder), seconds(tree()));
  });
}

/** An OCI layout of these layers, the lowest first. */
function layout(layers: readonly Buffer[]): string {
  const folder = mkdtempSync(join(lab.scratch, 'layout-'));
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer | string) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(folder, 'blobs/sha256', hex), bytes);
    return { digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) };
  };
  const blobs = layers.map((bytes) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...put(bytes) }));
  const config = put(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: blobs.map(({ digest }) => digest) } }));
  const manifest = put(JSON.stringify({ schemaVersion: 2, config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config }, layers: blobs }));
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }] }));
  return folder;
}

function byUmoci(layers: readonly Buffer[]): string {
  const bundle = join(freshFolder(lab), 'bundle');
  execFileSync('umoci', ['unpack', '--image', `${layout(layers)}:v1`, bundle], { stdio: ['ignore', 'ignore', 'pipe'] });
  return join(bundle, 'rootfs');
}

/** As skopeo has containers/storage do it, which podman and buildah run from; seen through overlayfs. */
function byContainers(layers: readonly Buffer[]): Tree {
  const folder = freshFolder(lab);
  const [root, run] = [join(folder, 'root'), join(folder, 'run')];
  const settings = join(folder, 'storage.conf');
  writeFileSync(settings, `[storage]\ndriver = "overlay"\ngraphroot = "${root}"\nrunroot = "${run}"\n`);
  // In a mount namespace of its own: the storage mounts its folder over itself.
  execFileSync('unshare', ['--mount', '--propagation', 'private', 'skopeo', '--insecure-policy', 'copy', '--quiet', `oci:${layout(layers)}:v1`, 'containers-storage:peer:latest'], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, CONTAINERS_STORAGE_CONF: settings } });
  const known: unknown = JSON.parse(readFileSync(join(root, 'overlay-layers/layers.json'), 'utf8'));
  const parents = new Map(Array.isArray(known) ? known.map(({ id, parent = '' }: { readonly id: string; readonly parent?: string }) => [parent, id]) : []);
  const folders: string[] = [];
  for (let id = parents.get(''); id !== undefined; id = parents.get(id)) folders.unshift(join(root, 'overlay', id, 'diff'));
  return overlaid(folders);
}

/** As a store does it, and seen through overlayfs. */
async function byUs(layers: readonly Buffer[]): Promise<Tree> {
  const folders: string[] = [];
  for (const [index, bytes] of layers.entries()) {
    const first = await unpack(lab, bytes, index === 0 ? { lower: [] } : {});
    folders.unshift(first.report.dependsOnLower ? (await unpack(lab, bytes, { lower: folders })).folder : first.folder);
  }
  return overlaid(folders);
}

/** By a process of its own, in whose mount namespace the overlay is. */
function overlaid(folders: readonly string[]): Tree {
  const place = freshFolder(lab);
  const script = 'mount -t overlay overlay -o "lowerdir=$1" "$2"; cp -a --preserve=all "$2" "$3"';
  const copy = join(freshFolder(lab), 'tree');
  execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', [...folders, freshFolder(lab)].join(':'), place, copy]);
  return readTree(copy, { xattrs: (name) => !name.includes('overlay') });
}

async function same(t: ExecutionContext, ...layers: readonly (readonly TarEntry[])[]): Promise<Tree> {
  const bytes = layers.map((entries) => tar(entries));
  const ours = await byUs(bytes);
  const theirs = readTree(byUmoci(bytes));
  // An overlay's root is its topmost layer's, whatever that says of it; umoci unpacks all into one folder.
  const isSaid = layers.at(-1)?.some(({ name }) => name === './') === true;
  t.deepEqual(isSaid ? ours : { ...ours, '.': theirs['.'] }, theirs);
  return ours;
}

async function sameAsContainers(t: ExecutionContext, ...layers: readonly (readonly TarEntry[])[]): Promise<void> {
  const bytes = layers.map((entries) => tar(entries));
  const [ours, theirs] = [await byUs(bytes), byContainers(bytes)];
  t.true(Object.keys(theirs).length > 4);
  t.deepEqual({ ...ours, '.': theirs['.'] }, theirs);
}

test('access lists are kept as umoci and containers/storage keep them', async (t) => {
  // getfacl: user::rw-, user:1000:rw-, group::r--, mask::rw-, other::---
  const list = Buffer.from('02000000' + '01000600ffffffff' + '02000600e8030000' + '04000400ffffffff' + '10000600ffffffff' + '20000000ffffffff', 'hex');
  const layer = [
    { name: './' },
    { name: 'd/', mode: 0o770, mtime: 11, pax: { 'SCHILY.xattr.system.posix_acl_access': list } },
    ...['a', 'b', 'c'].map((name) => ({ name: `d/${name}`, data: name, mode: 0o660, mtime: 12, pax: { 'SCHILY.xattr.system.posix_acl_access': list } })),
  ];
  const ours = await same(t, layer);
  t.like(ours['d/a'], { mode: '660', xattrs: { 'system.posix_acl_access': `0x${list.toString('hex')}` } });
  await sameAsContainers(t, layer);
});

const base: readonly TarEntry[] = [
  { name: './', mode: 0o755 },
  { name: 'd/', mode: 0o750, uid: 1, mtime: 11 },
  { name: 'd/x', data: 'x' },
  { name: 'd/y', data: 'y', mode: 0o4755, uid: 5, pax: { 'SCHILY.xattr.user.note': 'x' } },
  { name: 'd/z/' },
  { name: 'd/z/deep', data: 'deep' },
  { name: 'file', data: 'file' },
  { name: 'hard', type: '1', link: 'd/y' },
  { name: 'link', type: '2', link: 'd' },
];

test('whiteouts, replaced kinds, attributes: two layers are the same tree as umoci\'s', async (t) => {
  await same(t, base, [{ name: 'd/' , mode: 0o711, mtime: 12 }, { name: 'd/.wh.x' }]);
  await same(t, base, [{ name: 'd', data: 'a file now' }, { name: 'file/' }, { name: 'file/in', data: '1' }]);
  await same(t, base, [{ name: 'd/', mode: 0o700, uid: 9, mtime: 13, pax: { 'SCHILY.xattr.user.new': 'y' } }, { name: 'd/y', data: 'other', mode: 0o644 }]);
  await same(t, base, [{ name: './', mode: 0o700, mtime: 14 }, { name: '.wh.link' }, { name: '.wh.hard' }]);
  await same(t, base, [{ name: '.wh.d' }, { name: 'link', data: 'a file now' }]);
  const inside = [{ name: 'd/z/.wh.deep' }, { name: 'd/.wh.x' }];
  t.deepEqual(Object.keys(await same(t, base, [...inside, { name: '.wh.d' }])), ['.', 'file', 'hard', 'link']);
  await same(t, base, [...inside, { name: '.wh.d' }, { name: 'd/', mode: 0o711, mtime: 17 }, { name: 'd/new', data: '1' }]);
});

needs('root', 'command:getfattr', 'command:skopeo')('and the same as skopeo\'s in containers/storage', async (t) => {
  // It takes mode and owner of a file from its hard link's header too, where every tool but a test's writes those of the file.
  const lower = base.map((entry) => (entry.name === 'hard' ? { ...entry, mode: 0o4755, uid: 5 } : entry));
  await sameAsContainers(t, lower);
  await sameAsContainers(t, lower, [{ name: 'd/', mode: 0o711, mtime: 12 }, { name: 'd/.wh.x' }]);
  await sameAsContainers(t, lower, [{ name: 'd/', mode: 0o700, uid: 9, mtime: 13, pax: { 'SCHILY.xattr.user.new': 'y' } }, { name: 'd/y', data: 'other', mode: 0o644 }, { name: '.wh.link' }]);
  await sameAsContainers(t, lower, [{ name: 'd/', mode: 0o755, mtime: 14 }, { name: 'd/.wh..wh..opq' }, { name: 'd/new', data: 'new' }]);
  await sameAsContainers(t, lower, [{ name: '.wh.d' }, { name: '.wh.hard' }], [{ name: 'd/', mode: 0o700, mtime: 15 }, { name: 'd/again', data: 'x' }]);
});

test('an opaque folder, whose mark stands first or last, is the same tree as umoci\'s', async (t) => {
  const mark = { name: 'd/.wh..wh..opq' };
  const entries = [{ name: 'd/new', data: '1' }, { name: 'd/z/' , mtime: 15 }, { name: 'd/z/other', data: '2' }];
  const first = await same(t, base, [{ name: 'd/', mtime: 16 }, mark, ...entries]);
  t.deepEqual(await byUs([tar(base), tar([{ name: 'd/', mtime: 16 }, ...entries, mark])]), first);
  t.deepEqual(Object.keys(first).filter((name) => name.startsWith('d/')), ['d/new', 'd/z', 'd/z/other']);
});

test('three layers, of which one names what lies below it', async (t) => {
  const tree = await same(t, base, [{ name: 'd/z/more', data: '1' }], [{ name: 'd/' }, { name: 'd/copy', type: '1', link: 'file' }, { name: 'd/z/' }, { name: 'd/z/.wh.deep' }]);
  t.deepEqual(Object.keys(tree).filter((name) => name.startsWith('d/z')), ['d/z', 'd/z/more']);
});

test('a whole distribution is the same tree as umoci\'s', async (t) => {
  const bytes = execFileSync('tar', ['--format=pax', '--xattrs', '--xattrs-include=*', '--exclude=./dev/*', '-C', lab.image, '-cf', '-', '.'], { maxBuffer: 2 ** 28 });
  await byUs([bytes]);
  t.deepEqual(await byUs([bytes]), readTree(byUmoci([bytes])));
  t.true(readFileSync(join(lab.image, 'etc/passwd'), 'utf8').includes('root'));
});

lab.declareLeakTest();
