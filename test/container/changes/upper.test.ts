import test from 'ava';
import type { ListedEntry } from '../../../src/container/archiver/listed-entry.js';
import { ownersInUpper } from '../../../src/container/changes/owners.js';
import { Upper } from '../../../src/container/changes/upper.js';
import { LayerComparison, type LayerEntry } from '../../../src/image/layer-comparison.js';

const plain = { mode: 0o755, uid: 100_000, gid: 100_000, size: 0, mtime: { seconds: 0, nanoseconds: 0 }, opaque: false };
const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function upperOf(...entries: readonly (Pick<ListedEntry, 'type'> & Partial<ListedEntry> & { readonly at: string | Buffer })[]): Upper {
  const upper = new Upper(ownersInUpper({ uidMappings: maps, gidMappings: maps }));
  for (const { at, ...entry } of entries) upper.add({ ...plain, ...entry, path: typeof at === 'string' ? Buffer.from(at) : at });
  return upper;
}

function lower(comparison: LayerComparison, folders: Readonly<Record<string, readonly LayerEntry[]>>): void {
  comparison.begin();
  const left = [{ node: comparison.root, path: '' }];
  for (let each = left.pop(); each !== undefined; each = left.pop()) {
    for (const [key, node] of comparison.lay({ node: each.node, opaque: false }, folders[each.path] ?? [])) left.push({ node, path: `${each.path}/${key}` });
  }
}

function entry(key: string, kind: LayerEntry['kind'], bytes = 0): LayerEntry {
  return { key, name: key, kind, bytes, attributes: '493:0:0' };
}

test('what is laid over: added, changed, removed; a folder that is merely there is none, and hides nothing', (t) => {
  const comparison = new LayerComparison();
  lower(comparison, { '': [entry('etc', 'folder'), entry('srv', 'folder')], '/etc': [entry('passwd', 'file', 10), entry('group', 'file', 5)] });
  const upper = upperOf({ at: '', type: 'folder' }, { at: 'etc', type: 'folder' }, { at: 'etc/group', type: 'whiteout' }, { at: 'etc/new', type: 'link' }, { at: 'etc/passwd', type: 'file', size: 12 }, { at: 'srv', type: 'folder', mode: 0o700 });
  upper.layOver(comparison);
  t.deepEqual(comparison.finish().layers.at(-1)?.changes.map(({ path, kind, bytes }) => [path, kind, bytes]), [
    ['/srv', 'changed', 0], ['/etc/group', 'removed', 5], ['/etc/new', 'added', 0], ['/etc/passwd', 'changed', 12],
  ]);
});

test('an opaque folder hides what is below it, and so do folders in it', (t) => {
  const comparison = new LayerComparison();
  lower(comparison, { '': [entry('a', 'folder')], '/a': [entry('b', 'folder'), entry('c', 'file', 3)], '/a/b': [entry('d', 'file', 4)] });
  upperOf({ at: 'a', type: 'folder', opaque: true }, { at: 'a/b', type: 'folder' }).layOver(comparison);
  t.deepEqual(comparison.finish().layers.at(-1)?.changes.map(({ path, kind }) => `${kind} ${path}`), ['removed /a/c', 'removed /a/b/d']);
});

test('of the layers below only those folders matter that are there, or hidden', (t) => {
  const upper = upperOf({ at: 'a', type: 'folder' }, { at: 'a/gone', type: 'whiteout' }, { at: 'o', type: 'folder', opaque: true }, { at: 'file', type: 'file' });
  t.deepEqual(['/a', '/a/gone', '/a/gone/deep/er', '/o', '/o/in', '/file/in'].map((path) => upper.concerns(path)), Array<boolean>(6).fill(true));
  t.deepEqual(['/b', '/a/other', '/b/c/d'].map((path) => upper.concerns(path)), [false, false, false]);
});

test('names are bytes; what lies in no folder that was told of is passed over', (t) => {
  const comparison = new LayerComparison();
  lower(comparison, {});
  const upper = upperOf({ at: Buffer.from([0xff]), type: 'folder' }, { at: Buffer.from([0xff, 0x2f, 0xfe]), type: 'file', size: 1 }, { at: 'none/file', type: 'file' }, { at: 'ü', type: 'file', size: 7 });
  upper.layOver(comparison);
  t.is(comparison.finish().layers.at(-1)?.changes.length, 3);
  t.is(upper.sizeOf('/ü'), 7);
  t.is(upper.sizeOf('/none/file'), undefined);
});
