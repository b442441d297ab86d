import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { loadNative } from '../../../src/engine/addon.js';
import { innerFiles } from '../../../src/container/failures/inner-files.js';
import { shownFiles } from '../../../src/container/image-files.js';
import type { Mount } from '../../../src/spec/types.js';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-inner-')));
test.after.always(() => {
  rmSync(base, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), text);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  symlinkSync(target, join(base, path));
}

put('root/usr/lib/liba.so', 'image');
put('root/etc/one', 'image');
put('root/data/covered', 'image');
put('volume/lib/liba.so', 'volume');
put('volume/one', 'single');
put('host', 'host');
link('root/lib', 'usr/lib');
link('root/usr/lib/liba.so.1', 'liba.so');
link('root/away', `${base}/host`);
link('root/up', '../../../../../../etc/one');
link('root/circle', 'circle');
link('root/to-volume', '/mnt/lib');
link('root/place', '/mnt');

/** In the place of the addon, which the links that are tried here never get to. */
function readInRoot(root: string, inner: string): Buffer | null {
  try {
    return readFileSync(join(root, inner));
  } catch {
    return null;
  }
}

const addon = { ...loadNative().addon, readInRoot };

function read(path: string, mounts: readonly Mount[] = [], lowerLayers: readonly string[] = []): string | undefined {
  const root = join(base, 'root');
  const file = innerFiles(shownFiles(addon, { uid: 0 }, { rootPath: root, lowerLayers }), root, mounts)(path, 100);
  return file === null ? undefined : `${file.realPath} ${file.bytes.toString()}`;
}

const volume: Mount = { destination: '/mnt', type: 'bind', source: join(base, 'volume') };

test('links are followed inside the root', (t) => {
  t.is(read('/lib/liba.so.1'), '/usr/lib/liba.so image');
  t.is(read('/usr/bin/../lib/./liba.so'), '/usr/lib/liba.so image');
  t.is(read('/up'), '/etc/one image');
  t.is(read('/away'), undefined);
  t.is(read('/missing'), undefined);
  t.throws(() => read('/circle'), { message: /too many links/ });
});

test('files and links of layers below are found as well, and mounts cover them', (t) => {
  put('lower/opt/lib/libb.so', 'lower');
  link('lower/usr/lib/libb.so.1', '/opt/lib/libb.so');
  link('lower/usr/lib/libc.so', '/mnt/lib/liba.so');
  const layers = [join(base, 'lower')];
  t.is(read('/lib/libb.so.1', [], layers), '/opt/lib/libb.so lower');
  t.is(read('/lib/libb.so.1'), undefined);
  t.is(read('/lib/libc.so', [volume], layers), '/mnt/lib/liba.so volume');
});

test('what is mounted covers the image, also by links', (t) => {
  t.is(read('/to-volume/liba.so'), undefined);
  t.is(read('/to-volume/liba.so', [volume]), '/mnt/lib/liba.so volume');
  t.is(read('/mnt/lib/liba.so', [{ ...volume, destination: '/place' }]), '/mnt/lib/liba.so volume', 'a destination may be a link itself');
  t.is(read('/etc/one', [{ destination: '/etc/one', options: ['rbind'], source: join(base, 'volume/one') }]), '/etc/one single');
  t.is(read('/data/covered', [{ destination: '/data', type: 'tmpfs', source: 'tmpfs' }]), undefined);
  t.is(read('/mnt/one', [volume, { destination: '/mnt', type: 'tmpfs' }]), undefined, 'the last one counts');
  t.is(read('/etc/one', [volume]), '/etc/one image');
});

test('what cannot be seen from here is not taken to be missing', (t) => {
  t.throws(() => read('/mnt/x', [{ destination: '/mnt', type: 'nfs', source: 'server:/x' }]), { message: /cannot be seen/ });
  t.throws(() => read('/etc/one', [{ ...volume, source: join(base, 'gone') }]));
});
