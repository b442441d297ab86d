/** Packing, listing and unpacking of plain files, in folders of the host and in live containers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Archiver, PackRequest, UnpackFilesRequest } from '../../src/container/archiver/archiver.js';
import type { ListedEntry } from '../../src/container/archiver/listed-entry.js';
import type { Place } from '../../src/container/archiver/run.js';
import { archiverOf, freshFolder, someLimits } from '../support/archive-lab.js';
import { failure } from '../support/failure.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar } from '../support/tar.js';
import { readTree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr');

async function archiver(place?: Place): Promise<Archiver> {
  return place !== undefined && 'container' in place ? (await lab.runtime()).archiver() : archiverOf(lab);
}

async function packed(request: PackRequest): Promise<Buffer> {
  const { stream, done } = await (await archiver(request.place)).pack(request);
  const bytes = await buffer(stream ?? Readable.from([]));
  await done;
  return bytes;
}

async function listed(place: Place, path: string, content = false): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = [];
  for await (const entry of (await archiver(place)).list({ place, path, content })) entries.push(entry);
  return entries;
}

async function put(place: Place, path: string, bytes: Buffer, more: Partial<UnpackFilesRequest> = {}) {
  return (await archiver(place)).unpackFiles({ place, path, source: Readable.from([bytes]), limits: someLimits, ...more });
}

/** One entry of each kind, and what is hard to carry. */
function makeTree(): string {
  const root = freshFolder(lab);
  execFileSync('sh', ['-ec', `
    mkdir -p folder/deep empty; echo hello >folder/file; ln folder/file folder/deep/other; ln -s ../../etc/passwd link; mkfifo -m 600 pipe
    chown 1000:2000 folder/file; chmod 6755 folder/file; chmod 1777 folder; chown -h 5:6 link; touch -hd '1999-12-31 23:59:59.5' folder/file link
    truncate -s 10M sparse; printf data | dd of=sparse bs=1 seek=5000000 conv=notrunc 2>/dev/null; truncate -s 1M hole
    setfattr -n user.note -v x folder/file; setfattr -n trusted.kept -v y folder; setfattr -n trusted.overlay.opaque -v y empty
    mknod null c 1 3; mknod gone c 0 0
    d=$(printf 'n%.0s' $(seq 150)); mkdir $d; echo long >$d/$d`], { cwd: root });
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from('n\xffo', 'latin1')]), '');
  writeFileSync(join(root, 'caf\u00e9'), '1');
  writeFileSync(join(root, 'cafe\u0301'), '2');
  return root;
}

const isKept = (name: string) => !name.includes('overlay');

test('what is packed is unpacked the same by GNU tar, by bsdtar, and by the unpacker', async (t) => {
  const root = makeTree();
  const bytes = await packed({ place: { folder: root }, path: '.', name: 'top' });
  // What is in seconds in a header is so in the tree of everybody.
  const options = { times: false, xattrs: isKept };
  const expected = readTree(root, options);
  for (const [program, ...words] of [['tar', '--xattrs', '--xattrs-include=*', '-xpf', '-'], ['bsdtar', '-xpf', '-']]) {
    const folder = freshFolder(lab);
    // bsdtar warns of names that are no text in this locale; in any other it would normalize those that are.
    spawnSync(program ?? '', words, { cwd: folder, input: bytes, env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
    t.deepEqual(readTree(join(folder, 'top'), options), expected, program);
    t.is(statSync(join(folder, 'top/folder/file')).mtimeMs, statSync(join(root, 'folder/file')).mtimeMs);
    t.true(statSync(join(folder, 'top/sparse')).blocks < 100, 'holes stay holes');
  }
  const folder = freshFolder(lab);
  await put({ folder }, '/', bytes);
  const devices = ['null', 'gone'];
  t.deepEqual(readTree(join(folder, 'top'), options), Object.fromEntries(Object.entries(expected).filter(([name]) => !devices.includes(name))));
});

test('a folder without a name is its contents; a file, and what a link leads to', async (t) => {
  const root = freshFolder(lab);
  mkdirSync(join(root, 'd/e'), { recursive: true });
  writeFileSync(join(root, 'd/f'), 'text');
  symlinkSync('/d/f', join(root, 'link'));
  symlinkSync('d', join(root, 'way'));
  const namesOf = (bytes: Buffer) => execFileSync('tar', ['-tvf', '-'], { input: bytes, encoding: 'utf8' }).trim().split('\n').map((line) => `${line[0] ?? ''} ${line.split(/\s+/).slice(5).join(' ')}`);
  const place = { folder: root };
  t.deepEqual(namesOf(await packed({ place, path: 'd' })), ['d e/', '- f']);
  t.deepEqual(namesOf(await packed({ place, path: '/d/f', name: 'copy' })), ['- copy']);
  t.deepEqual(namesOf(await packed({ place, path: 'link', name: 'l' })), ['l l -> /d/f']);
  t.deepEqual(namesOf(await packed({ place, path: 'link', name: 'l', follow: true })), ['- l']);
  t.deepEqual(namesOf(await packed({ place, path: 'way/f', name: 'f' })), ['- f'], 'over a link on the way');
  t.deepEqual(namesOf(await packed({ place, path: 'way', name: 'w', follow: true })), ['d w/', 'd w/e/', '- w/f']);
  t.regex(await failure(packed({ place, path: 'none' })), /^ERR_TSRUN_IMAGE: entry 'none' of the tree is refused: .*ENOENT$/);
});

test('an archive goes straight to a descriptor', async (t) => {
  const root = makeTree();
  const path = join(lab.scratch, 'written.tar');
  const fd = openSync(path, 'w');
  const { stream, done } = await (await archiver()).pack({ place: { folder: root }, path: '.', stdout: fd });
  await done;
  closeSync(fd);
  t.is(stream, null);
  t.true(readFileSync(path).equals(await packed({ place: { folder: root }, path: '.' })));
});

test('a list tells of each entry what the system does', async (t) => {
  const root = makeTree();
  const entries = await listed({ folder: root }, '/', true);
  const tree = readTree(root, { xattrs: isKept });
  const words: Readonly<Record<string, string>> = { 'character device': 'character', 'block device': 'block' };
  const shown = (path: Buffer) => (path.length === 0 ? '.' : path.equals(Buffer.from('n\xffo', 'latin1')) ? 'n\\xffo' : path.toString());
  t.deepEqual(entries.map(({ path }) => shown(path)), Object.keys(tree));
  const inodes = new Map<string, string>();
  for (const entry of entries) {
    const name = shown(entry.path);
    const known = tree[name];
    const type = known?.type ?? '';
    t.is<string, string>(entry.type, name === 'gone' ? 'whiteout' : (words[type] ?? type), name);
    t.deepEqual(
      [entry.mode.toString(8), `${entry.uid}:${entry.gid}`, entry.size, String(BigInt(entry.mtime.seconds) * 1_000_000_000n + BigInt(entry.mtime.nanoseconds))],
      [known?.mode, known?.owner, known?.size ?? 0, known?.mtime],
      name,
    );
    t.is(entry.linkTarget?.toString(), known?.link);
    t.is(entry.content?.slice(7, 23), known?.sha256);
    t.is(entry.device, known?.device);
    t.is(entry.xattrs !== undefined, known?.xattrs !== undefined, name);
    t.is(entry.opaque, name === 'empty');
    if (entry.inode !== undefined) inodes.set(known?.same ?? '', entry.inode);
  }
  t.is(inodes.size, 1);
  t.true((await listed({ folder: root }, '/')).every(({ content }) => content === undefined));
});

test('who looks no further than the first entry ends the program', async (t) => {
  for await (const entry of (await archiver()).list({ place: { folder: makeTree() }, path: '/' })) {
    t.is(entry.type, 'folder');
    break;
  }
});

test('plain files: names of whiteouts mean nothing, owners are given, no kind takes the place of another', async (t) => {
  const folder = freshFolder(lab);
  mkdirSync(join(folder, 'to'));
  const report = await put({ folder }, 'to', tar([{ name: '.wh.x', data: 'x' }, { name: 'd/.wh..wh..opq', data: 'yz', uid: 7 }]), { owner: { uid: 3, gid: 4 } });
  t.deepEqual(report, { entries: 2, unpackedBytes: 3 });
  t.like(readTree(join(folder, 'to')), { '.wh.x': { owner: '3:4' }, 'd/.wh..wh..opq': { owner: '3:4' } });
  t.regex(await failure(put({ folder }, 'to', tar([{ name: 'd', data: '1' }]))), /'d' of the archive is refused: there is a folder in its place/);
  t.regex(await failure(put({ folder }, 'to', tar([{ name: '.wh.x/' }]))), /'.wh.x' of the archive is refused: there is a file in the place of the folder/);
  symlinkSync('/to/.wh.x', join(folder, 'to/link'));
  await put({ folder }, 'to', tar([{ name: 'link', data: 'new' }]));
  t.is(readFileSync(join(folder, 'to/.wh.x'), 'utf8'), 'x', 'a link is replaced');
});

test('what is compressed is expanded, within its limits', async (t) => {
  const bytes = Buffer.from('text '.repeat(100_000));
  const expand = async (source: Buffer, limits = { bytes: 10_000_000, ratio: 1000 }) => {
    const { stream, done } = await (await archiver()).expand({ source: Readable.from([source]), limits });
    const out = await buffer(stream ?? Readable.from([]));
    await done;
    return out;
  };
  t.true(bytes.equals(await expand(bytes)));
  t.true(bytes.equals(await expand(gzipSync(bytes))));
  for (const program of ['zstd', 'xz', 'bzip2']) t.true(bytes.equals(await expand(execFileSync(program, ['-c'], { input: bytes }))), program);
  t.regex(await failure(expand(gzipSync(bytes), { bytes: 1000, ratio: 1000 })), /^ERR_TSRUN_IMAGE: the archive is refused: it unpacks to more bytes/);
  t.regex(await failure(expand(gzipSync(bytes).subarray(0, 200))), /^ERR_TSRUN_IMAGE: the archive is refused: .*truncated/);
  const members = Buffer.concat([gzipSync(bytes.subarray(0, 1000)), gzipSync(Buffer.alloc(0)), gzipSync(bytes.subarray(1000))]);
  for (const behind of [Buffer.alloc(0), Buffer.alloc(1000), Buffer.from('\x1fgarbage')]) t.true(bytes.equals(await expand(Buffer.concat([members, behind]))));
  t.is((await expand(gzipSync(Buffer.alloc(0)))).length, 0);
  for (const packed of [gzipSync(bytes, { level: 0 }), gzipSync(bytes)]) {
    for (const at of [packed.length - 1, packed.length - 5, 5000 % (packed.length - 8)]) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      t.regex(await failure(expand(damaged)), /^ERR_TSRUN_IMAGE: the archive is refused: .*gzip/, `byte ${at}`);
    }
  }
});

test('in a live container: as its root, with its ids, through its mounts', async (t) => {
  const container = await lab.idle({ mounts: [{ type: 'tmpfs', destination: '/volume' }] });
  const place = { container };
  t.deepEqual(await put(place, '/volume', tar([{ name: 'd/', uid: 7 }, { name: 'd/file', data: 'text', mode: 0o640, uid: 1000, gid: 1000 }])), { entries: 2, unpackedBytes: 4 });
  const { stdout } = await lab.exec(container, { command: ['sh', '-c', 'stat -c "%n %a %u:%g" /volume/d /volume/d/file; cat /volume/d/file'] });
  t.is(stdout, '/volume/d 755 7:0\n/volume/d/file 640 1000:1000\ntext');
  const entries = await listed(place, '/volume/d');
  t.deepEqual(entries.map(({ path, uid }) => [path.toString(), uid]), [['', 7], ['file', 1000]]);
  t.true((await packed({ place, path: '/bin/busybox', name: 'b' })).length > 100_000);
  t.regex(await failure(packed({ place, path: '/proc/1/root/etc' })), /: openat2 in the container: E(LOOP|ACCES)$|ELOOP/, 'no magic link is followed');
  await container[Symbol.asyncDispose]();
  t.regex(await failure(packed({ place, path: '/bin' })), /^ERR_TSRUN_STATE|^ERR_TSRUN_SETUP|^ERR_TSRUN_NOT_FOUND/);
});

test('links of a live container lead nowhere but into it', async (t) => {
  const container = await lab.idle();
  const place = { container };
  await lab.exec(container, { command: ['sh', '-c', 'mkdir -p /a; ln -s /../../../../etc /a/link; ln -s / /a/root'] });
  await put(place, '/a/link', tar([{ name: 'canary', data: 'inside' }]));
  t.is((await lab.exec(container, { command: ['cat', '/etc/canary'] })).stdout, 'inside');
  t.regex(await failure(put(place, '/a', tar([{ name: 'root/etc/x', data: '1' }]))), /leads through a link/);
  await container[Symbol.asyncDispose]();
});

lab.declareLeakTest();
