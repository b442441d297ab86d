// What a runtime does after it was closed: nothing, and it says so.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import test from 'ava';
import { Runtime, TsrunError } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', (error: unknown) => (TsrunError.is(error) ? error.code : String(error)));
}

here('a closed runtime starts and finds nothing more, and leaves no range of ids', async (t) => {
  const root = mkdtempSync('/run/tsrun-test-');
  t.teardown(() => { rmSync(root, { recursive: true }); });
  const runtime = await Runtime.open({ root });
  const survivor = await runtime.run(lab.image, { id: lab.newId(), survive: true, command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore' });
  const underWay = code(runtime.run(lab.image, { id: lab.newId(), command: ['true'] }));
  await runtime.close();
  t.regex(await underWay, /ERR_TSRUN_STATE|no error/);
  for (const late of [
    runtime.run(lab.image, { command: ['true'] }), runtime.create(lab.image, { command: ['true'] }), runtime.find(lab.newId()),
    runtime.exec(survivor, { command: ['true'] }), survivor.kill(),
  ]) {
    const error = await t.throwsAsync(late, { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_STATE');
    t.is(error.message, 'the runtime is closed');
  }
  const other = await Runtime.open({ root });
  t.is(readdirSync(`${root}/ranges`).length, 1, 'that of the survivor');
  await (await other.adopt(survivor.id))[Symbol.asyncDispose]();
  await other.close();
  await (await Runtime.open({ root })).close();
  t.deepEqual(readdirSync(`${root}/ranges`), []);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
