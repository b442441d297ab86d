import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { MountRecords } from '../../../src/container/mounts/mount-records.js';

const mountsPath = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-mounts-')));
test.after.always(() => { rmSync(mountsPath, { recursive: true }); });

test('a collector that takes the file before it is locked costs no record', (t) => {
  let tries = 0;
  const tryLock = (): boolean => {
    tries++;
    if (tries === 1) rmSync(join(mountsPath, '.abc'));
    return tries !== 2;
  };
  const record = { version: 1 as const, id: 'abc', kind: 'image' as const, name: 'x', path: '/mnt', namespace: 'mnt:[1]', bootId: 'x', createdAtMs: 1, layers: [] };
  new MountRecords({ mountsPath }, { tryLock }).begin(record)();
  t.is(tries, 3);
  t.deepEqual(readdirSync(mountsPath), ['abc.json']);
});
