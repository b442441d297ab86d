/** What becomes of each kind of entry, in a layer by itself and above others (layer.md of image-spec). */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { freshFolder, refusal, unpack } from '../support/archive-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { bytesOf, gnuLong, tar, type TarEntry } from '../support/tar.js';
import { readNames, readTree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr');

async function layer(...entries: TarEntry[]) {
  return unpack(lab, tar(entries));
}

test('files of every kind, with owner, mode, time and attributes', async (t) => {
  const { folder, report } = await layer(
    { name: './', mode: 0o711, uid: 7, mtime: 1_000_000_001 },
    { name: 'a/', mode: 0o1777, uid: 1, gid: 2, mtime: 1_000_000_002 },
    { name: 'a/file', data: 'hello', mode: 0o6755, uid: 1000, gid: 70_000, pax: { mtime: '1234567890.123456789', 'SCHILY.xattr.user.note': 'x', 'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex') } },
    { name: 'a/link', type: '2', link: '../../etc/passwd', uid: 5, mtime: 5 },
    { name: 'a/hard', type: '1', link: 'a/file' },
    { name: 'a/pipe', type: '6', mode: 0o600, uid: 6 },
    { name: 'a/empty', data: '' },
  );
  const file = { type: 'file', mode: '6755', owner: '1000:70000', mtime: '1234567890123456789', size: 5, sha256: '2cf24dba5fb0a30e', same: 'a/file', xattrs: { 'security.capability': '0x0100000200200000000000000000000000000000', 'user.note': '0x78' } };
  t.deepEqual(readTree(folder), {
    '.': { type: 'folder', mode: '711', owner: '7:0', mtime: '1000000001000000000' },
    a: { type: 'folder', mode: '1777', owner: '1:2', mtime: '1000000002000000000' },
    'a/empty': { type: 'file', mode: '644', owner: '0:0', mtime: '1000000000000000000', size: 0, sha256: 'e3b0c44298fc1c14' },
    'a/file': file,
    'a/hard': file,
    'a/link': { type: 'link', mode: '777', owner: '5:0', mtime: '5000000000', link: '../../etc/passwd' },
    'a/pipe': { type: 'pipe', mode: '600', owner: '6:0', mtime: '1000000000000000000' },
  });
  t.like(report, { entries: 7, unpackedBytes: 5, dependsOnLower: false });
});

test('the report tells what was read, and what came out of it', async (t) => {
  const plain = Buffer.concat([tar([{ name: 'a', data: 'x'.repeat(100_000) }]), Buffer.alloc(512, 'what follows the end')]);
  const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const blob = Buffer.concat([gzipSync(plain.subarray(0, 70_000)), gzipSync(plain.subarray(70_000))]);
  t.deepEqual((await unpack(lab, blob)).report, { diffId: sha256(plain), blobDigest: sha256(blob), blobBytes: blob.length, unpackedBytes: 100_000, entries: 1, highestId: 0, dependsOnLower: false });
  t.like((await unpack(lab, plain)).report, { diffId: sha256(plain), blobDigest: sha256(plain), blobBytes: plain.length });
});

test('an empty layer, with and without an end', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(1024), Buffer.alloc(10_240)]) t.like((await unpack(lab, bytes)).report, { entries: 0, dependsOnLower: false });
});

test('an archive that stops behind an entry is whole', async (t) => {
  t.deepEqual(readNames((await unpack(lab, tar([{ name: 'a', data: 'x' }], false))).folder), ['a']);
});

test('the zeros behind the last file may be missing, as Go writes it and umoci leaves it', async (t) => {
  const contents = 'y'.repeat(700);
  const whole = tar([{ name: 'a', data: 'x' }, { name: 'b', data: contents }], false);
  const cut = whole.subarray(0, whole.length - (1024 - contents.length));
  const { folder, report } = await unpack(lab, gzipSync(cut));
  t.is(readFileSync(join(folder, 'b'), 'utf8'), contents);
  t.like(report, { entries: 2, unpackedBytes: 701, diffId: `sha256:${createHash('sha256').update(cut).digest('hex')}` });
});

test('names are taken byte by byte', async (t) => {
  const names = ['caf\u00e9', 'cafe\u0301', Buffer.from('n\xffo', 'latin1'), 'new\nline', '\u202e', ' ', '-rf', '\\', 'a*'];
  const { folder } = await layer(...names.map((name) => ({ name, pax: { path: name } })), ...names.map((name) => ({ name: Buffer.concat([Buffer.from('u'), Buffer.from(name)]) })));
  const shown = names.map((name) => (typeof name === 'string' ? name : 'n\\xffo'));
  t.deepEqual(readNames(folder), [...shown, ...shown.map((name) => `u${name}`)].sort());
});

test('a slash in front, single dots and double slashes say nothing', async (t) => {
  const { folder } = await layer({ name: '/a/' }, { name: './/a/./b', data: '1' }, { name: '/a/c', type: '1', link: '/a/b' });
  t.deepEqual(readNames(folder), ['a/', 'a/b', 'a/c']);
  t.is(statSync(join(folder, 'a/b')).nlink, 2);
});

test('what comes later takes the place of what is there; of a folder only the attributes change', async (t) => {
  const { folder } = await layer(
    { name: 'd/', mode: 0o700 },
    { name: 'd/in', data: '1' },
    { name: 'd/', mode: 0o750, uid: 3, mtime: 77 },
    { name: 'f', data: 'first' },
    { name: 'f', data: 'second' },
    { name: 'gone/' },
    { name: 'gone/deep/' },
    { name: 'gone/deep/file', data: '1' },
    { name: 'gone', data: 'file' },
    { name: 'became', data: 'file' },
    { name: 'became/' },
    { name: 'became/in', data: '1' },
    { name: 'l', type: '2', link: 'd' },
    { name: 'l', data: 'file' },
  );
  t.deepEqual(readNames(folder), ['became/', 'became/in', 'd/', 'd/in', 'f', 'gone', 'l']);
  t.is(readFileSync(join(folder, 'f'), 'utf8'), 'second');
  t.like(readTree(folder)['d'], { mode: '750', owner: '3:0', mtime: '77000000000' });
  t.true(lstatSync(join(folder, 'l')).isFile(), 'not written through');
});

test('the time of a folder is what the archive says, whatever is put into it later', async (t) => {
  const folders = Array.from({ length: 20 }, (_, index) => ({ name: `d${index}/`, mtime: 1000 + index }));
  const files = Array.from({ length: 60 }, (_, index) => ({ name: `d${(index * 7) % 20}/f${index}`, data: '1' }));
  const { folder } = await layer({ name: './', mtime: 999 }, ...folders, ...files, { name: 'd3/', mtime: 5 }, { name: 'd4/deep/', mtime: 6 });
  for (const [index, { name, mtime }] of folders.entries()) t.is(statSync(join(folder, name)).mtimeMs, index === 3 ? 5000 : mtime * 1000, name);
  t.is(statSync(folder).mtimeMs, 999_000);
});

test('what AUFS kept for itself is passed over', async (t) => {
  t.deepEqual(readNames((await layer({ name: '.wh..wh.aufs' }, { name: '.wh..wh.plnk/' }, { name: '.wh..wh.plnk/1.2', data: '1' }, { name: 'a', data: '1' })).folder), ['a']);
});

test('device nodes are left out', async (t) => {
  const { folder, report } = await layer({ name: 'dev/' }, { name: 'dev/null', type: '3', device: [1, 3] }, { name: 'dev/sda', type: '4', device: [8, 0] }, { name: 'dev/none', type: '3', device: [0, 0] });
  t.deepEqual(readNames(folder), ['dev/']);
  t.is(report.entries, 4);
});

test('so are further names of a device node, but not of what takes its place', async (t) => {
  const { folder, report } = await layer(
    { name: 'dev/' }, { name: 'dev/one', type: '3', device: [1, 3] }, { name: 'dev/two', type: '1', link: './dev/one' }, { name: 'dev/three', type: '1', link: 'dev/two' },
    { name: 'dev/two', data: 'a file now' }, { name: 'dev/four', type: '1', link: 'dev/two' },
  );
  t.deepEqual(readNames(folder), ['dev/', 'dev/four', 'dev/two']);
  t.false(report.dependsOnLower);
});

test('attributes of overlayfs and labels of the machine are dropped', async (t) => {
  const pax = { 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.security.selinux': 'label', 'SCHILY.xattr.trusted.kept': '1', 'SCHILY.xattr.user.kept': '1' };
  const { folder } = await layer({ name: 'd/', pax }, { name: 'f', data: '1', pax }, { name: 'l', type: '2', link: 'x', pax });
  const kept = { 'trusted.kept': '0x31', 'user.kept': '0x31' };
  t.deepEqual([readTree(folder)['d']?.xattrs, readTree(folder)['f']?.xattrs], [kept, kept]);
  t.deepEqual(readTree(folder)['l']?.xattrs, { 'trusted.kept': '0x31' }, 'a link has none of a user\'s (xattr(7))');
});

test('default access lists of a folder are not inherited by what the same layer puts into it', async (t) => {
  // getfacl: user::rwx, group::---, other::---
  const list = Buffer.from('02000000' + '01000700ffffffff' + '04000000ffffffff' + '20000000ffffffff', 'hex');
  const { folder } = await layer({ name: 'd/', pax: { 'SCHILY.xattr.system.posix_acl_default': list } }, { name: 'd/f', data: '1', mode: 0o664 }, { name: 'd/e/', mode: 0o775 });
  t.like(readTree(folder), { d: { xattrs: { 'system.posix_acl_default': `0x${list.toString('hex')}` } }, 'd/f': { mode: '664' }, 'd/e': { mode: '775' } });
  t.deepEqual([readTree(folder)['d/f']?.xattrs, readTree(folder)['d/e']?.xattrs], [undefined, undefined]);
});

/** getfacl: user::rw-, user:1000:rw-, group::r--, mask::rw-, other::--- */
const accessList = Buffer.from('02000000' + '01000600ffffffff' + '02000600e8030000' + '04000400ffffffff' + '10000600ffffffff' + '20000000ffffffff', 'hex');

test('access lists of files and folders are kept, and say what their modes are', async (t) => {
  const pax = { 'SCHILY.xattr.system.posix_acl_access': accessList };
  const { folder } = await layer({ name: 'f', data: '1', mode: 0o660, pax }, { name: 'd/', mode: 0o770, pax }, { name: 'd/plain', data: '1', mode: 0o640 });
  const kept = { 'system.posix_acl_access': `0x${accessList.toString('hex')}` };
  t.like(readTree(folder), { f: { mode: '660', xattrs: kept }, d: { xattrs: kept }, 'd/plain': { mode: '640' } });
  t.is(readTree(folder)['d/plain']?.xattrs, undefined);
});

test('an attribute that no file system takes is named', async (t) => {
  const bad = { 'system.posix_acl_access': Buffer.from('0200000001', 'hex'), 'security.capability': 'nonsense' };
  for (const [key, value] of Object.entries(bad)) {
    t.is(await refusal(lab, tar([{ name: 'f', data: '1', pax: { [`SCHILY.xattr.${key}`]: value } }])), `ERR_TSRUN_IMAGE: entry 'f' of the layer is refused: setxattr of '${key}': EINVAL`);
  }
});

test('a layer that names what it does not hold depends on those below', async (t) => {
  for (const entries of [[{ name: 'a/b', data: '1' }], [{ name: 'h', type: '1', link: 'elsewhere' }], [{ name: 'd/.wh.x' }], [{ name: '.wh..wh..opq' }], [{ name: 'a/' }, { name: 'a/b/c/' }]]) {
    t.true((await unpack(lab, tar(entries))).report.dependsOnLower, JSON.stringify(entries));
  }
  for (const entries of [[{ name: '.wh.a' }, { name: 'a/b', data: '1' }], [{ name: 'a/' }, { name: 'a/.wh..wh..opq' }, { name: 'a/b/c', data: '1' }]]) {
    t.false((await unpack(lab, tar(entries))).report.dependsOnLower, 'nothing below can be seen there');
  }
});

test('the lowest layer depends on nothing: folders are made, links to nothing refused', async (t) => {
  const lowest = { lower: [] };
  const { folder, report } = await unpack(lab, tar([{ name: 'a/b/c', data: '1' }, { name: 'd/.wh.x' }, { name: '.wh..wh..opq' }]), lowest);
  t.false(report.dependsOnLower);
  t.like(readTree(folder), { a: { mode: '755', owner: '0:0' }, 'a/b/c': { type: 'file' } });
  t.is(await refusal(lab, tar([{ name: 'h', type: '1', link: 'elsewhere' }]), lowest), 'ERR_TSRUN_IMAGE: entry \'h\' of the layer is refused: it is a hard link to what is not there');
});

test('a folder that stands behind what is in it has nothing of what the layers below have there', async (t) => {
  const { folder: bottom } = await layer({ name: 'a/', mode: 0o711, uid: 9, pax: { 'SCHILY.xattr.user.note': 'x', 'SCHILY.xattr.user.kept': '1' } });
  const archive = tar([{ name: 'a/b', data: '1' }, { name: 'a/', mode: 0o750, uid: 8, pax: { 'SCHILY.xattr.user.kept': '2' } }]);
  const { folder } = await unpack(lab, archive, { lower: [bottom] });
  t.like(readTree(folder)['a'], { mode: '750', owner: '8:0' });
  t.deepEqual(readTree(folder)['a']?.xattrs, { 'user.kept': '0x32' });
});

test('above other layers folders, files and links of theirs are found', async (t) => {
  const { folder: bottom } = await layer({ name: 'usr/', mode: 0o711, uid: 9, mtime: 42 }, { name: 'usr/lib/', mode: 0o710 }, { name: 'usr/lib/so', data: 'bottom', mode: 0o4750, uid: 8, mtime: 43, pax: { 'SCHILY.xattr.user.note': 'x' } }, { name: 'lib', type: '2', link: 'usr/lib' }, { name: 'abs', type: '2', link: '/usr/../usr/lib/../../../usr' }, { name: 'hidden/' }, { name: 'hidden/old', data: '1' }, { name: 'file', data: '1' });
  const { folder: middle } = await layer({ name: 'usr/', mode: 0o755, uid: 10, mtime: 44, pax: { 'SCHILY.xattr.user.note': 'x' } }, { name: '.wh.hidden' });
  const lower = [middle, bottom];
  const archive = tar([
    { name: 'lib/new', data: '1' },
    { name: 'abs/share/x', data: '1' },
    { name: 'copy', type: '1', link: 'usr/lib/so' },
    { name: 'copied-link', type: '1', link: 'lib' },
    { name: 'hidden/new', data: '1' },
  ]);
  t.true((await unpack(lab, archive)).report.dependsOnLower);
  const { folder, report } = await unpack(lab, archive, { lower });
  t.false(report.dependsOnLower);
  t.deepEqual(readNames(folder), ['copied-link', 'copy', 'hidden/', 'hidden/new', 'lib', 'usr/', 'usr/lib/', 'usr/lib/new', 'usr/lib/so', 'usr/share/', 'usr/share/x']);
  const copied = { type: 'file', mode: '4750', owner: '8:0', mtime: '43000000000', size: 6, same: 'copy', xattrs: { 'user.note': '0x78' } };
  t.like(readTree(folder), {
    usr: { mode: '755', owner: '10:0', mtime: '44000000000', xattrs: { 'user.note': '0x78' } },
    'usr/lib': { mode: '710' },
    copy: copied,
    'usr/lib/so': copied,
    'copied-link': { type: 'link', link: 'usr/lib', same: 'copied-link' },
    hidden: { mode: '755', owner: '0:0' },
  });
  for (const [entries, why] of [
    [[{ name: 'x', type: '1', link: 'hidden/old' }], 'it is a hard link to what is not there'],
    [[{ name: 'x', type: '1', link: 'usr' }], 'it is a hard link to what is not there'],
    [[{ name: 'file/x', data: '1' }], 'what it should lie in is no folder in the layers below'],
    [[{ name: 'usr/' }, { name: 'usr/.wh..wh..opq' }, { name: 'x', type: '1', link: 'usr/lib/so' }], 'it is a hard link to what is not there'],
  ] as const) {
    t.regex(await refusal(lab, tar(entries), { lower }), new RegExp(`^ERR_TSRUN_IMAGE: entry '.*' of the layer is refused: ${why}$`));
  }
});

test('links of the layers below lead nowhere but into them', async (t) => {
  const outside = freshFolder(lab);
  mkdirSync(join(outside, 'etc'));
  const below = freshFolder(lab);
  symlinkSync(outside, join(below, 'away'));
  symlinkSync('../../../../../../..', join(below, 'up'));
  symlinkSync('b', join(below, 'a'));
  symlinkSync('a', join(below, 'b'));
  writeFileSync(join(outside, 'canary'), 'untouched');
  const { folder } = await unpack(lab, tar([{ name: 'away/etc/x', data: '1' }]), { lower: [below] });
  t.true(existsSync(join(folder, outside, 'etc/x')));
  t.deepEqual(readNames(outside), ['canary', 'etc/']);
  t.regex(await refusal(lab, tar([{ name: 'up/x', data: '1' }]), { lower: [below] }), /leads to no folder for it/);
  t.regex(await refusal(lab, tar([{ name: 'a/x', data: '1' }]), { lower: [below] }), /go in a circle/);
  t.is(readlinkSync(join(below, 'away')), outside);
});

test('what is refused at a header is called by its name, wherever that stands; what has none, by what stands before it', async (t) => {
  const first = { name: 'first', data: 'x'.repeat(700) };
  const tooLarge = Buffer.from([0x80, 0, 0, 0, 0x7f, ...Array<number>(7).fill(0xff)]);
  const negative = Buffer.alloc(12, 0xff);
  const long = `${'long/'.repeat(30)}name`;
  const cases: readonly (readonly [what: string, bytes: Buffer, name: string])[] = [
    ['a size in base 256 that is too large', bytesOf({ name: 'bad', size: tooLarge }), "entry 'bad'"],
    ['one below zero', bytesOf({ name: 'bad', size: negative }), "entry 'bad'"],
    ['one of pax that is too large', bytesOf({ name: 'bad', pax: { size: '9223372036854775807' } }), "entry 'bad'"],
    ['one of pax below zero', bytesOf({ name: 'bad', pax: { size: '-1' } }), "entry 'bad'"],
    ['a name of pax', bytesOf({ name: 'cut', pax: { path: long, size: '-1' } }), `entry '${long}'`],
    ['a name with a NUL', bytesOf({ name: 'cut', pax: { path: 'long\0name', size: '-1' } }), "entry 'long'"],
    ['a name of a sparse file', bytesOf({ name: 'GNUSparseFile.0/x', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'whole', size: '-1' } }), "entry 'whole'"],
    ['a long name of GNU', Buffer.concat([gnuLong(long), bytesOf({ name: 'cut', magic: 'ustar  \0', size: negative })]), `entry '${long}'`],
    ['a name with a prefix', bytesOf({ name: 'bad', prefix: 'in/front', size: negative }), "entry 'in/front/bad'"],
    ['an extended header that is damaged itself', bytesOf({ name: 'PaxHeaders/bad', type: 'x', size: negative }), "entry 'PaxHeaders/bad'"],
    ['an extended header before one whose checksum is wrong', bytesOf({ name: 'cut', pax: { path: long }, checksum: 1 }), `entry '${long}'`],
  ];
  for (const [what, bytes, name] of cases) {
    t.regex(await refusal(lab, Buffer.concat([bytes, Buffer.alloc(1024)])), new RegExp(`^ERR_TSRUN_IMAGE: ${name} of the layer is refused: `), what);
    t.regex(await refusal(lab, Buffer.concat([tar([first], false), bytes, Buffer.alloc(1024)])), new RegExp(`^ERR_TSRUN_IMAGE: ${name} of the layer is refused: `), `${what}, behind another`);
  }
  const behind = /^ERR_TSRUN_IMAGE: what follows entry 'first' of the layer is refused: /;
  const nameless = bytesOf({ name: 'bad', checksum: 1 });
  t.regex(await refusal(lab, Buffer.concat([tar([first], false), nameless, Buffer.alloc(1024)])), behind);
  t.regex(await refusal(lab, tar([first, { name: 'second' }], false).subarray(0, 1600)), behind, 'a piece of a header');
  t.regex(await refusal(lab, tar([{ ...first, pax: { path: long } }]).subarray(0, 2000)), new RegExp(`^ERR_TSRUN_IMAGE: entry '${long}' of the layer is refused: `), 'half of the data');
  t.regex(await refusal(lab, gzipSync(Buffer.concat([tar([first]), randomBytes(600_000)])).subarray(0, -1000)), behind, 'what follows the last');
  t.regex(await refusal(lab, Buffer.concat([nameless, Buffer.alloc(1024)])), /^ERR_TSRUN_IMAGE: the layer is refused: /);
});

lab.declareLeakTest();
