import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { findInLayers, isEmptyInLayers, readInLayers } from '../../src/image/layered-files.js';
import { addonErrnoName } from '../../src/spec/errno.js';

/** Text: a file. `{ link }`, `'whiteout'`, `'folder'`; a folder whose name ends in `!` is opaque. */
type Parts = Readonly<Record<string, string | { readonly link: string } | { readonly kind: 'whiteout' | 'folder' | 'fifo' }>>;

const scratch = mkdtempSync(join(tmpdir(), 'tsrun-layers-'));
test.after.always(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function layer(parts: Parts): string {
  const root = mkdtempSync(join(scratch, 'layer-'));
  for (const [path, part] of Object.entries(parts)) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof part === 'string') writeFileSync(place, part);
    else if ('link' in part) symlinkSync(part.link, place);
    else if (part.kind === 'folder') mkdirSync(place, { recursive: true });
    else spawnSync('mknod', part.kind === 'fifo' ? [place, 'p'] : [place, 'c', '0', '0']);
  }
  return root;
}

const whiteout = { kind: 'whiteout' } as const;
const folder = { kind: 'folder' } as const;
const isOpaque = (path: string) => basename(path).endsWith('-opaque');

/** Topmost first. */
function read(path: string, ...layers: readonly Parts[]): string | undefined {
  return readInLayers(layers.map(layer), path, 1000, isOpaque)?.toString();
}

test('the topmost file counts, and a file of any layer shows', (t) => {
  t.is(read('/etc/passwd', { 'etc/passwd': 'top' }, { 'etc/passwd': 'base' }), 'top');
  t.is(read('/etc/passwd', { 'etc/hosts': '' }, {}, { 'etc/passwd': 'base' }), 'base');
  t.is(read('/etc/passwd', { 'etc/hosts': '' }), undefined);
  t.is(read('/etc/passwd/x', { 'etc/passwd': 'top' }), undefined);
});

test('a whiteout hides what lies below, of a file and of a folder, and a file above it shows', (t) => {
  t.is(read('/etc/passwd', { 'etc/passwd': whiteout }, { 'etc/passwd': 'base' }), undefined);
  t.is(read('/etc/passwd', { etc: whiteout }, { 'etc/passwd': 'base' }), undefined);
  t.is(read('/etc/passwd', { 'etc/passwd': 'top' }, { etc: whiteout }, { 'etc/passwd': 'base' }), 'top');
  t.is(read('/etc/group', { 'etc/passwd': 'top' }, { etc: whiteout }, { 'etc/group': 'base' }), undefined);
});

test('an opaque folder hides those below, but not its own', (t) => {
  t.is(read('/a-opaque/x', { 'a-opaque/y': '1' }, { 'a-opaque/x': '2' }), undefined);
  t.is(read('/a-opaque/y', { 'a-opaque/y': '1' }, { 'a-opaque/x': '2' }), '1');
  t.is(read('/a-opaque/y', {}, { 'a-opaque/y': '1' }, { 'a-opaque/y': '2' }), '1');
});

test('a file over a folder hides the folder, and a folder over a file the file', (t) => {
  t.is(read('/etc/x', { etc: 'file' }, { 'etc/x': 'base' }), undefined);
  t.is(read('/etc/x', { 'etc/y': '' }, { etc: 'file' }, { 'etc/x': 'base' }), undefined);
});

test('links are followed through all layers, and never out of the image', (t) => {
  t.is(read('/etc/passwd', { etc: { link: 'usr/etc' } }, { 'usr/etc/passwd': 'base' }), 'base');
  t.is(read('/etc/passwd', { 'etc/passwd': { link: '/lib/users' } }, { 'lib/users': 'base' }), 'base');
  t.is(read('/etc/passwd', { 'etc/passwd': { link: '../../../../etc/hostname' } }, {}), undefined);
  t.is(read('/etc/passwd', { 'etc/passwd': { link: '/proc/self/status' } }, {}), undefined);
  t.is(read('/etc/passwd', { 'etc/passwd': { link: '../x' } }, { x: 'inside' }), 'inside');
});

test('links in a circle, and what is no file, are errors with the kernel\'s names', (t) => {
  const circle = t.throws(() => read('/a', { a: { link: 'b' }, b: { link: 'a' } }, {}));
  t.is(addonErrnoName(circle), 'ELOOP');
  const fifo = t.throws(() => read('/a', { a: { kind: 'fifo' } }, {}));
  t.is(addonErrnoName(fifo), 'EINVAL');
  t.is(addonErrnoName(t.throws(() => read('/a', { a: folder }, {}))), 'EINVAL');
});

test('no more is read than the limit', (t) => {
  t.is(readInLayers([layer({ a: '0123456789' }), layer({})], '/a', 4, isOpaque)?.toString(), '0123');
});

function empty(...layers: readonly Parts[]): boolean | undefined {
  const entry = findInLayers(layers.map(layer), '/data', isOpaque);
  return entry === undefined ? undefined : isEmptyInLayers(entry);
}

test('a folder is empty when all of it is hidden', (t) => {
  t.is(empty({}, {}), undefined);
  t.true(empty({ data: folder }));
  t.false(empty({ data: folder }, { 'data/x': '' }));
  t.true(empty({ 'data/x': whiteout }, { 'data/x': '' }));
  t.false(empty({ 'data/x': whiteout }, { 'data/y': '' }));
  t.false(empty({ 'data/x': '' }, { 'data/x': whiteout }));
});
