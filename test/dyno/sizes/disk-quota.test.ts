import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkDiskQuota, holdsProjectQuotas } from '../../../src/dyno/sizes/disk-quota.js';

const table = [
  '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
  '21 20 8:2 / /srv rw,relatime shared:2 - ext4 /dev/sda2 rw,prjquota',
  '22 21 0:30 / /srv/a\\040b rw - tmpfs tmpfs rw,size=1024k',
  '23 20 8:3 / /data rw,relatime - xfs /dev/sdb rw,attr2,pqnoenforce',
  '24 23 8:4 / /data rw,relatime - xfs /dev/sdc rw,attr2,prjquota',
  '',
].join('\n');

test('the mount that a path lies in says whether quotas of projects are held there', (t) => {
  for (const path of ['/srv', '/srv/tsrun', '/data/x']) t.true(holdsProjectQuotas(table, path), path);
  for (const path of ['/', '/var/lib/tsrun', '/srvother', '/srv/a b/c']) t.false(holdsProjectQuotas(table, path), path);
  t.false(holdsProjectQuotas(table.split('\n').slice(0, 4).join('\n'), '/data/x'), 'counted, and not held');
});

test('where they are not, the error says what to do, for a folder that is still to be made too', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-quota-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const error = t.throws(() => { checkDiskQuota(join(folder, 'not/there')); }, { code: 'ERR_TSRUN_HOST', message: /holds no project quotas, by which a root on disk is held to its size$/ });
  t.like(error, { field: '/rootBytes' });
});
