import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import { readLayerChanges } from '../../src/image/layer-changes.js';
import { TsrunError } from '../../src/spec/errors.js';

const scratch = mkdtempSync(join(tmpdir(), 'tsrun-changes-'));
test.after.always(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const isOpaque = (path: string) => basename(path).endsWith('-opaque');

function layer(fill: (root: string) => void): string {
  const root = mkdtempSync(join(scratch, 'layer-'));
  fill(root);
  return root;
}

const lower = layer((root) => {
  mkdirSync(join(root, 'etc/conf-opaque'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'x'.repeat(10));
  writeFileSync(join(root, 'etc/conf-opaque/old'), 'x'.repeat(20));
  writeFileSync(join(root, 'gone'), 'x'.repeat(40));
  linkSync(join(root, 'gone'), join(root, 'stays'));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'x'.repeat(3));
  symlinkSync('/etc/passwd', join(root, 'link'));
});
const upper = layer((root) => {
  mkdirSync(join(root, 'etc/conf-opaque'), { recursive: true });
  writeFileSync(join(root, 'etc/conf-opaque/new'), 'x'.repeat(5));
  writeFileSync(join(root, 'etc/passwd'), 'x'.repeat(7));
  spawnSync('mknod', [join(root, 'gone'), 'c', '0', '0']);
  spawnSync('mkfifo', [join(root, 'fifo')]);
});

test('folders are walked without following or opening what lies in them', async (t) => {
  const changes = await readLayerChanges([lower, upper], isOpaque);
  const paths = changes.layers.map((each) => each.changes.map(({ kind, path, bytes }) => `${kind} ${path} ${bytes}`).sort());
  t.deepEqual(paths[0], ['added /etc 0', 'added /etc/conf-opaque 0', 'added /etc/conf-opaque/old 20', 'added /etc/passwd 10', 'added /gone 40', 'added /link 0', 'added /stays 0', 'added /\ufffd\ufffd 3']);
  t.deepEqual(paths[1], ['added /etc/conf-opaque/new 5', 'added /fifo 0', 'changed /etc/passwd 7', 'removed /etc/conf-opaque/old 20', 'removed /gone 0']);
  // Nobody sees the first passwd and the old file; of /gone, which has a second name, dive counts the bytes.
  t.deepEqual([changes.bytes, changes.layers[0]?.wastedBytes, changes.wastedBytes], [85, 30, 10 + 7 + 40]);
});

test('a layer that is not there is a fault of the store, and an abort ends the walk', async (t) => {
  const missing = await t.throwsAsync(readLayerChanges([join(scratch, 'none')], isOpaque), { instanceOf: TsrunError });
  t.is(missing.code, 'ERR_TSRUN_STORE');
  const aborted = await t.throwsAsync(readLayerChanges([lower], isOpaque, AbortSignal.abort('enough')), { instanceOf: TsrunError });
  t.deepEqual([aborted.code, aborted.cause], ['ERR_TSRUN_ABORTED', 'enough']);
});
