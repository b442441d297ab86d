import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { loadNative } from '../../../src/engine/addon.js';
import { Locks } from '../../../src/image/store/locks.js';
import { TsrunError } from '../../../src/spec/errors.js';

function labor(t: ExecutionContext): { readonly folder: string; readonly locks: Locks } {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-locks-'));
  t.teardown(() => { rmSync(folder, { recursive: true }); });
  return { folder, locks: new Locks(folder, loadNative().addon) };
}

test('of two that want a lock the second gets it when the first lets go', async (t) => {
  const { locks } = labor(t);
  const order: string[] = [];
  const first = await locks.exclusive('a');
  const second = locks.exclusive('a').then((lock) => { order.push('second'); return lock; });
  await new Promise((resolve) => { setImmediate(resolve); });
  order.push('first');
  await first.release();
  await (await second).release();
  t.deepEqual(order, ['first', 'second']);
});

test('many wait for one lock, more than libuv has threads, and nothing else stands still', async (t) => {
  const { folder, locks } = labor(t);
  let holders = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 24 }, async () => {
    // Again and again: some come when the file is just gone, for which others still wait.
    for (let turn = 0; turn < 4; turn++) {
      const lock = await locks.exclusive('crowd');
      most = Math.max(most, ++holders);
      await new Promise((resolve) => { setImmediate(resolve); });
      holders--;
      await lock.release();
    }
  }));
  t.is(most, 1);
  t.deepEqual(readdirSync(folder), [], 'the lock\'s file is gone');
});

test('shared locks do not exclude each other, and an exclusive one waits for both', async (t) => {
  const { folder, locks } = labor(t);
  const shared = [await locks.shared('use'), await locks.shared('use')];
  const third = locks.tryShared('use');
  let got = false;
  const exclusive = locks.exclusiveOfShared('use').then((lock) => { got = true; return lock; });
  await shared[0]?.release();
  await new Promise((resolve) => { setImmediate(resolve); });
  t.false(got);
  await shared[1]?.release();
  await new Promise((resolve) => { setImmediate(resolve); });
  t.false(got);
  third?.();
  await (await exclusive).release();
  t.true(existsSync(join(folder, 'use')));
});

test('what is tried without waiting is not had while somebody has it', async (t) => {
  const { locks } = labor(t);
  t.is(locks.tryShared('use'), undefined, 'it does not make the file');
  const first = await locks.exclusiveOfShared('use');
  t.is(locks.tryShared('use'), undefined);
  await first.release();
  const release = locks.tryShared('use');
  t.is(typeof release, 'function');
  t.is(await locks.tryExclusive('use'), undefined);
  release?.();
  release?.();
  const last = await locks.tryExclusive('use');
  t.not(last, undefined);
  await last?.release();
});

test('who gives up does not get the lock, and does not keep it from the next', async (t) => {
  const { locks } = labor(t);
  const first = await locks.exclusive('a');
  const controller = new AbortController();
  const waiting = locks.exclusive('a', controller.signal);
  await new Promise((resolve) => { setImmediate(resolve); });
  controller.abort(new Error('enough'));
  const error = await t.throwsAsync(waiting, { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_ABORTED');
  t.is((error.cause as Error).message, 'enough');
  await first.release();
  await (await locks.exclusive('a')).release();
  await t.throwsAsync(locks.exclusive('a', AbortSignal.abort()), { code: 'ERR_TSRUN_ABORTED' });
});

test('a lock goes with the process that has it', async (t) => {
  const { folder, locks } = labor(t);
  const module = new URL('../../../src/image/store/locks.js', import.meta.url).href;
  const addon = new URL('../../../src/engine/addon.js', import.meta.url).href;
  const script = `import { Locks } from '${module}'; import { loadNative } from '${addon}';
    await new Locks(process.argv[1], loadNative().addon).exclusive('a'); console.log('got'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  t.is(await locks.tryExclusive('a'), undefined);
  const waiting = locks.exclusive('a');
  holder.kill('SIGKILL');
  await (await waiting).release();
  t.pass();
});

test('a folder that is not there', async (t) => {
  const { folder } = labor(t);
  const locks = new Locks(join(folder, 'none'), loadNative().addon);
  await t.throwsAsync(locks.exclusive('a'), { code: 'ERR_TSRUN_STORE', message: /none\/a' of the image store cannot be used: ENOENT/ });
});
