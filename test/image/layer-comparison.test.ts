import test from 'ava';
import type { ImageChanges } from '../../src/image/image-types.js';
import { LayerComparison, type LayerEntry } from '../../src/image/layer-comparison.js';

class Linked {
  readonly inode: string;
  readonly bytes: number;

  constructor(inode: string, bytes: number) {
    this.inode = inode;
    this.bytes = bytes;
  }
}
const opaque = Symbol('opaque');
interface Folder {
  readonly [name: string]: number | 'whiteout' | Folder | Linked;
  readonly [opaque]?: true;
}

/** A number is a file of so many bytes. */
function compare(...layers: readonly Folder[]): ImageChanges {
  const comparison = new LayerComparison();
  for (const layer of layers) {
    comparison.begin();
    walk(comparison, comparison.root, layer, false);
  }
  return comparison.finish();
}

function walk(comparison: LayerComparison, node: LayerComparison['root'], folder: Folder, hides: boolean): void {
  const folders = comparison.lay({ node, opaque: hides }, Object.entries(folder).map(([name, value]) => entryOf(name, value)));
  for (const [name, below] of folders) {
    const inner = folder[name];
    if (typeof inner === 'object' && !(inner instanceof Linked)) walk(comparison, below, inner, hides || inner[opaque] === true);
  }
}

function entryOf(name: string, value: Folder[string]): LayerEntry {
  const plain = { key: name, name, attributes: '755:0:0', bytes: 0 };
  if (value === 'whiteout') return { ...plain, kind: 'whiteout' };
  if (typeof value === 'number') return { ...plain, kind: 'file', bytes: value };
  if (value instanceof Linked) return { ...plain, kind: 'file', bytes: value.bytes, inode: value.inode };
  return { ...plain, kind: 'folder' };
}

const linked = (name: string, bytes: number) => new Linked(name, bytes);
const told = ({ layers }: ImageChanges) => layers.map(({ changes }) => changes.map(({ kind, path, bytes }) => `${kind} ${path} ${bytes}`));

test('one layer adds all that it has, and wastes nothing', (t) => {
  const changes = compare({ etc: { passwd: 10, group: 5 } });
  t.deepEqual(told(changes), [['added /etc 0', 'added /etc/passwd 10', 'added /etc/group 5']]);
  t.deepEqual([changes.bytes, changes.wastedBytes, changes.efficiency, changes.userWastedRatio, changes.wasted], [15, 0, 1, 0, []]);
});

test('an overwritten file wastes what it was', (t) => {
  const changes = compare({ a: 100, b: 1 }, { a: 60 }, { a: 40 });
  t.deepEqual(told(changes), [['added /a 100', 'added /b 1'], ['changed /a 60'], ['changed /a 40']]);
  t.deepEqual(changes.layers.map(({ bytes, changedBytes, wastedBytes }) => [bytes, changedBytes, wastedBytes]), [[101, 0, 100], [60, 60, 60], [40, 40, 0]]);
  t.deepEqual(changes.wasted, [{ path: '/a', bytes: 200, times: 3 }]);
  t.is(changes.efficiency, 41 / 201);
  t.is(changes.userWastedRatio, 200 / 100);
});

test('a whiteout removes a file, and a folder with all that is in it as one', (t) => {
  const changes = compare({ a: 5, var: { cache: { x: 10, y: 20 } } }, { a: 'whiteout', var: { cache: 'whiteout' } });
  t.deepEqual(told(changes)[1], ['removed /a 5', 'removed /var/cache 30']);
  const [, { removed, removedBytes, added } = { removed: 0, removedBytes: 0, added: 0 }] = changes.layers;
  t.deepEqual([removed, removedBytes, added, changes.layers[0]?.wastedBytes], [2, 35, 0, 35]);
});

test('a whiteout of what is not there is nothing', (t) => {
  t.deepEqual(told(compare({ a: 1 }, { b: 'whiteout' })), [['added /a 1'], []]);
});

test('an opaque folder removes what it does not bring itself, at any depth', (t) => {
  const lower = { d: { x: 1, y: 2, sub: { z: 4 } }, e: 8 };
  const changes = compare(lower, { d: { [opaque]: true, y: 3, sub: { w: 5 } } });
  t.deepEqual(told(changes)[1], ['removed /d/x 1', 'changed /d/y 3', 'removed /d/sub/z 4', 'added /d/sub/w 5']);
  t.is(changes.layers[0]?.wastedBytes, 1 + 2 + 4);
});

test('a file in the place of a folder, and a folder in that of a file', (t) => {
  const changes = compare({ a: { x: 7 }, b: 3 }, { a: 1, b: { y: 2 } });
  t.deepEqual(told(changes)[1], ['changed /a 1', 'changed /b 0', 'added /b/y 2']);
  t.is(changes.layers[1]?.changes[0]?.hiddenBytes, 7);
  t.is(changes.layers[0]?.wastedBytes, 10);
});

test('a file with several names counts once, and is wasted when the last of them is gone', (t) => {
  const lower = { a: linked('1', 50), b: linked('1', 50) };
  t.is(compare(lower).bytes, 50);
  t.is(compare(lower, { a: 'whiteout' }).layers[0]?.wastedBytes, 0);
  t.is(compare(lower, { a: 'whiteout' }, { b: 1 }).layers[0]?.wastedBytes, 50);
  t.is(compare(lower, { c: linked('1', 50) }).bytes, 100, 'another layer has a file of its own');
});

test('a folder that stands in two layers has changed when its mode or owner has', (t) => {
  const comparison = new LayerComparison();
  const folder = (attributes: string): LayerEntry => ({ key: 'd', name: 'd', kind: 'folder', bytes: 0, attributes });
  for (const attributes of ['755:0:0', '755:0:0', '700:0:0']) {
    comparison.begin();
    comparison.lay({ node: comparison.root, opaque: false }, [folder(attributes)]);
  }
  t.deepEqual(told(comparison.finish()), [['added /d 0'], [], ['changed /d 0']]);
});

test('no layer, and layers without bytes, are perfectly efficient', (t) => {
  t.deepEqual([compare().efficiency, compare({}).efficiency, compare({ a: {} }, { a: 'whiteout' }).userWastedRatio], [1, 1, 0]);
});

/** By hand, as dive's filetree/efficiency.go has it. */
test('efficiency and waste are dive\'s', (t) => {
  const changes = compare(
    { a: 100, b: 10, c: 40, d: { x: 30, y: 20 }, e: { z: 5 } },
    { a: 60, b: 'whiteout', d: 'whiteout', e: { [opaque]: true, w: 1 } },
    { a: 80, b: 7, f: 3 },
  );
  // Smallest and all versions: a 60 of 240, b 0 of 17, c 40, d/x 30, d/y 20, the whiteout of d 50 of 50, e/z 5, e/w 1, f 3.
  t.is(changes.efficiency, (60 + 0 + 40 + 30 + 20 + 50 + 5 + 1 + 3) / (240 + 17 + 40 + 30 + 20 + 50 + 5 + 1 + 3));
  t.deepEqual(changes.wasted, [{ path: '/a', bytes: 240, times: 3 }, { path: '/b', bytes: 17, times: 3 }]);
  t.is(changes.wastedBytes, 257);
  t.is(changes.userWastedRatio, 257 / (61 + 90));
  t.is(changes.bytes, 205 + 61 + 90);
});
