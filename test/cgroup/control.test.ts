import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { cgroupState, freeze, killAll, removeCgroup, thaw } from '../../src/cgroup/control.js';
import { readStats } from '../../src/cgroup/read-stats.js';
import { TsrunError } from '../../src/spec/errors.js';
import { cgroupTest, makeCgroup } from './real-cgroup.js';

const gone = '/nonexistent/cgroup';

test('a cgroup that is gone: nothing to kill or remove, but nothing to freeze either', async (t) => {
  await killAll(gone);
  await removeCgroup(gone);
  t.is(await cgroupState(gone), undefined);
  const error = await t.throwsAsync(freeze(gone), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_STATE');
});

cgroupTest('freeze waits until the processes have stopped, thaw until they run', async (t) => {
  await using group = makeCgroup();
  await group.occupy();
  await freeze(group.dir);
  t.deepEqual(await cgroupState(group.dir), { populated: true, frozen: true });
  await thaw(group.dir);
  t.deepEqual(await cgroupState(group.dir), { populated: true, frozen: false });
});

cgroupTest('freezing an empty cgroup and freezing twice return', async (t) => {
  await using group = makeCgroup();
  await freeze(group.dir);
  await freeze(group.dir);
  t.true((await cgroupState(group.dir))?.frozen);
  await thaw(group.dir);
});

cgroupTest('killAll ends everything, also below and while frozen', async (t) => {
  await using group = makeCgroup();
  mkdirSync(join(group.dir, 'below'));
  const children = [await group.occupy(), await group.occupy('below')];
  await freeze(group.dir);
  const exits = Promise.all(children.map((child) => once(child, 'exit')));
  await killAll(group.dir);
  t.false((await cgroupState(group.dir))?.populated);
  t.deepEqual((await exits).map((exit): unknown => exit[1]), ['SIGKILL', 'SIGKILL']);
});

cgroupTest('what a cgroup used is known until it is removed', async (t) => {
  await using group = makeCgroup();
  await group.occupy();
  t.true(((await readStats(group.dir))?.cpu.usageUs ?? -1) >= 0);
  await killAll(group.dir);
  await removeCgroup(group.dir);
  t.is(await readStats(group.dir), undefined);
});

cgroupTest('removeCgroup takes away what was made below', async (t) => {
  await using group = makeCgroup();
  mkdirSync(join(group.dir, 'a/b/c'), { recursive: true });
  mkdirSync(join(group.dir, 'a/d'));
  await removeCgroup(group.dir);
  t.false(existsSync(group.dir));
});

cgroupTest('removeCgroup removes names that are longer together than a path may be', async (t) => {
  await using group = makeCgroup();
  const handles: FileHandle[] = [];
  let folder = group.dir;
  for (let depth = 0; depth < 30; depth++) {
    mkdirSync(`${folder}/${'n'.repeat(200)}`);
    const handle = await open(`${folder}/${'n'.repeat(200)}`);
    handles.push(handle);
    folder = `/proc/self/fd/${handle.fd}`;
  }
  await Promise.all(handles.map((handle) => handle.close()));
  await removeCgroup(group.dir);
  t.false(existsSync(group.dir));
});

cgroupTest('removeCgroup waits for a process that is still ending', async (t) => {
  await using group = makeCgroup();
  const child = await group.occupy();
  const removed = removeCgroup(group.dir);
  setTimeout(() => child.kill('SIGKILL'), 50);
  await removed;
  t.false(existsSync(group.dir));
});

cgroupTest('removeCgroup kills nothing and gives up in time', async (t) => {
  await using group = makeCgroup();
  const child = await group.occupy();
  const error = await t.throwsAsync(removeCgroup(group.dir, { timeoutMs: 100 }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_HOST');
  t.is(child.exitCode, null);
  t.true(readFileSync(join(group.dir, 'cgroup.procs'), 'utf8').includes(String(child.pid)));
});

cgroupTest('many waits at once', async (t) => {
  await using group = makeCgroup();
  const names = Array.from({ length: 20 }, (_, index) => join(group.dir, String(index)));
  for (const name of names) mkdirSync(name);
  for (const name of names) writeFileSync(join(name, 'cgroup.freeze'), '1');
  await Promise.all(names.map((name) => thaw(name)));
  await Promise.all(names.map((name) => removeCgroup(name)));
  t.deepEqual(names.filter((name) => existsSync(name)), []);
});
