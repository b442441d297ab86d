/** What a layer takes away of those below it, by whiteouts and opaque folders (layer.md of image-spec, "Whiteouts"). */
import { execFileSync } from 'node:child_process';
import { freshFolder, unpack } from '../support/archive-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar, type TarEntry } from '../support/tar.js';
import { readNames, readTree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr');

async function layer(...entries: TarEntry[]) {
  return unpack(lab, tar(entries));
}

const opaque = { 'trusted.overlay.opaque': '0x79' };
const holdsWhiteouts = { 'trusted.overlay.origin': '0x' };

/** What is listed in a folder of these layers, topmost first, as overlayfs merges them. */
function merged(layers: readonly string[], folder: string): string[] {
  const script = 'cd "$3" && mount -t tmpfs none . && cd "$3" && mkdir upper work root && mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" none root && ls -A "root/$2" && rm -r root/*';
  return execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', layers.join(':'), folder, freshFolder(lab)], { encoding: 'utf8' }).split('\n').filter((name) => name !== '');
}

test('whiteouts and opaque folders become overlayfs\'s', async (t) => {
  const { folder, report } = await layer({ name: 'd/' }, { name: 'd/.wh.gone' }, { name: 'e/' }, { name: 'e/.wh..wh..opq' });
  t.like(readTree(folder), { d: { xattrs: holdsWhiteouts }, 'd/gone': { type: 'character device', device: '0:0', mode: '0' }, e: { xattrs: opaque } });
  t.false(report.dependsOnLower);
  t.deepEqual(readNames(folder), ['d/', 'd/gone', 'e/']);
});

test('a whiteout hides nothing of its own layer, before it or behind it', async (t) => {
  for (const order of [(all: TarEntry[]) => all, (all: TarEntry[]) => all.toReversed()]) {
    const { folder } = await layer({ name: 'd/' }, ...order([{ name: 'd/.wh.file' }, { name: 'd/file', data: '1' }]), ...order([{ name: 'd/.wh.folder' }, { name: 'd/folder/' }]));
    t.deepEqual(readNames(folder), ['d/', 'd/file', 'd/folder/']);
    t.deepEqual(readTree(folder)['d/folder']?.xattrs, opaque, 'what the layers below have there is hidden');
  }
});

test('a whiteout is no name in a folder that is merged with none', async (t) => {
  const { folder: below } = await layer({ name: 'n/' }, { name: 'n/old', data: '1' }, { name: 'n/deep/' }, { name: 'n/deep/old', data: '1' });
  const entries = [{ name: 'n/.wh..wh..opq' }, { name: 'n/.wh.old' }, { name: 'n/new', data: '1' }, { name: 'n/deep/' }, { name: 'n/deep/.wh.old' }, { name: 'n/deep/new', data: '1' }];
  for (const order of [entries, entries.toReversed()]) {
    const { folder } = await layer({ name: 'n/' }, { name: 'n/deep/' }, ...order);
    t.deepEqual([merged([folder, below], 'n'), merged([folder, below], 'n/deep')], [['deep', 'new'], ['new']]);
  }
  const { folder: fresh } = await layer({ name: 'other/' }, { name: 'other/.wh.old' }, { name: 'other/new', data: '1' });
  t.deepEqual(merged([fresh, below], 'other'), ['new'], 'no layer below has it');
  t.deepEqual(merged([below], 'n'), ['deep', 'old'], 'as it is without');
});

test('a whiteout in what is no folder takes nothing away', async (t) => {
  const { folder: below } = await layer({ name: 'file', data: '1' }, { name: 'gone/' }, { name: 'gone/x', data: '1' });
  const marks = ['.wh.b', '.wh..wh..opq', 'deep/.wh.b'];
  for (const mark of marks) {
    for (const order of [(all: TarEntry[]) => all, (all: TarEntry[]) => all.toReversed()]) {
      const { folder } = await unpack(lab, tar(order([{ name: 'own', data: '1' }, { name: `own/${mark}` }])), { lower: [below] });
      t.deepEqual(readNames(folder), ['own'], 'a file of the same layer');
    }
    const { folder: away } = await layer({ name: '.wh.gone' }, { name: `gone/${mark}` });
    t.deepEqual(merged([away, below], '.'), ['file'], 'a folder that is taken away');
    t.deepEqual(readNames((await unpack(lab, tar([{ name: `file/${mark}` }]), { lower: [below] })).folder), [], 'a file below');
    t.deepEqual(readNames((await unpack(lab, tar([{ name: `none/${mark}` }]), { lower: [below] })).folder), [], 'nothing');
    t.deepEqual(readNames((await unpack(lab, tar([{ name: `none/${mark}` }]), { lower: [] })).folder), [], 'the lowest layer');
  }
});

test('a folder of which the archive takes away the contents, and then itself, is gone', async (t) => {
  const { folder: below } = await layer({ name: 'gone/' }, { name: 'gone/x', data: '1' }, { name: 'gone/deep/' }, { name: 'gone/deep/y', data: '1' }, { name: 'gone/other/' }, { name: 'link', type: '2', link: 'gone' });
  const marks = [['gone/.wh.x'], ['gone/.wh..wh..opq'], ['gone/deep/.wh.y', 'gone/.wh.deep', 'gone/.wh.x'], ['link/.wh.x', 'link/deep/.wh.y']];
  for (const names of marks) {
    const taken = names.map((name) => ({ name }));
    const above = async (...entries: TarEntry[]) => readNames((await unpack(lab, tar(entries), { lower: [below] })).folder);
    t.deepEqual(await above(...taken, { name: '.wh.gone' }), ['gone'], names.join());
    t.deepEqual(await above(...taken, { name: '.wh.gone' }, { name: 'gone/new', data: '1' }), ['gone/', 'gone/new'], 'it is there anew');
    for (const held of [{ name: 'gone/' }, { name: 'gone/other/' }, { name: 'gone/other/new', data: '1' }, { name: 'gone/x', type: '1', link: 'link' }]) {
      t.true((await above(...taken, held, { name: '.wh.gone' })).includes('gone/'), `the archive holds ${held.name}`);
    }
  }
  const { folder } = await unpack(lab, tar([{ name: 'gone/.wh.x' }, { name: 'copy', type: '1', link: 'gone/deep/y' }, { name: '.wh.gone' }]), { lower: [below] });
  t.deepEqual(readNames(folder), ['copy', 'gone/', 'gone/deep/', 'gone/deep/y', 'gone/x'], 'what a hard link names is copied up');
});

test('what is replaced through a link of the layers below is not written to again', async (t) => {
  const { folder: below } = await layer({ name: 'real/' }, { name: 'link', type: '2', link: 'real' });
  const { folder } = await unpack(lab, tar([{ name: 'link/d/', mtime: 7 }, { name: 'real/d/in', data: '1' }, { name: 'link/d', data: 'file' }, { name: 'link/d/' , mtime: 8 }, { name: 'real/d/in', data: '2' }]), { lower: [below] });
  t.deepEqual(readNames(folder), ['real/', 'real/d/', 'real/d/in']);
  t.like(readTree(folder)['real/d'], { mtime: '8000000000' });
});

test('an opaque mark counts for the layers below, wherever it stands', async (t) => {
  const { folder } = await layer({ name: 'd/' }, { name: 'd/before', data: '1' }, { name: 'd/.wh..wh..opq' }, { name: 'd/after', data: '1' });
  t.deepEqual(readNames(folder), ['d/', 'd/after', 'd/before']);
  t.deepEqual(readTree(folder)['d']?.xattrs, opaque);
});

test('an opaque root takes away what the layers below hold, name by name', async (t) => {
  const { folder: below } = await layer({ name: 'a', data: '1' }, { name: 'b/' }, { name: 'c', data: '1' });
  const { folder } = await unpack(lab, tar([{ name: 'b/' }, { name: '.wh..wh..opq' }, { name: 'c', data: '2' }]), { lower: [below] });
  t.like(readTree(folder), { a: { device: '0:0' }, b: { xattrs: opaque }, c: { type: 'file' } });
});

lab.declareLeakTest();
