import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { prepareBase, preparePath } from '../../src/cgroup/layout.js';
import { TsrunError } from '../../src/spec/errors.js';
import { removeTree } from '../support/cgroup-tree.js';
import { cgroupTest, host, makeCgroup, newPath } from './real-cgroup.js';

const subtree = (dir: string) => readFileSync(join(dir, 'cgroup.subtree_control'), 'utf8').trim().split(' ').filter((word) => word !== '');

test('without a base nothing is made', (t) => {
  const cgroup = { mode: 'v1', root: '', base: '', controllers: [], v1Controllers: {}, writable: false } as const;
  t.deepEqual(prepareBase(cgroup), { cgroup, withheld: [] });
});

test('a tree in which nothing can be made is an error with a hint', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tsrun-layout-'));
  rmSync(root, { recursive: true });
  const error = t.throws(() => preparePath(root, '/tsrun', []), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_HOST');
  t.regex(error.message, /'\/tsrun': ENOENT/);
  t.truthy(error.hint);
});

cgroupTest('the base is made, hands down every controller, and preparing it again changes nothing', (t) => {
  const base = newPath();
  const dir = host.root + base;
  t.teardown(() => { removeTree(dir); });
  const first = prepareBase({ ...host, base });
  t.deepEqual(subtree(dir).sort(), [...first.cgroup.controllers].sort());
  t.deepEqual([...first.cgroup.controllers, ...first.withheld.map(({ controller }) => controller)].sort(), [...host.controllers].sort());
  t.true(first.cgroup.files?.includes('cgroup.kill'));
  t.is(readFileSync(join(dir, 'cgroup.max.depth'), 'utf8').trim(), '64');
  t.deepEqual(prepareBase(first.cgroup), { cgroup: first.cgroup, withheld: [] });
});

cgroupTest('levels between are made, and controllers pass through them', (t) => {
  const path = newPath();
  t.teardown(() => { removeTree(host.root + path); });
  t.deepEqual(preparePath(host.root, `${path}/pods/one`, host.controllers), []);
  t.true(existsSync(`${host.root}${path}/pods/one/cgroup.kill`));
  t.deepEqual(subtree(`${host.root}${path}/pods`).sort(), [...host.controllers].sort());
});

cgroupTest('a controller that the host lacks is reported, not asked for', (t) => {
  const path = newPath();
  t.teardown(() => { removeTree(host.root + path); });
  t.like(preparePath(host.root, path, ['nonesuch']), [{ controller: 'nonesuch', cgroup: '/' }]);
});

cgroupTest('a cgroup that holds processes hands nothing down, and nothing in it is moved', async (t) => {
  await using group = makeCgroup();
  const child = await group.occupy();
  const path = group.dir.slice(host.root.length);
  const withheld = preparePath(host.root, `${path}/tsrun`, host.controllers);
  t.deepEqual(withheld.map(({ controller }) => controller).sort(), [...host.controllers].sort());
  t.true(withheld.every(({ cgroup, reason }) => cgroup === path && reason.startsWith('EBUSY')));
  t.deepEqual(subtree(group.dir), []);
  t.true(readFileSync(join(group.dir, 'cgroup.procs'), 'utf8').includes(String(child.pid)));
});
