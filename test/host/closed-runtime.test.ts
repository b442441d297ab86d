// What a runtime does after it was closed: nothing, and it says so.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Runtime, TsrunError } from '../../src/index.js';
import { FakeRegistry } from '../support/fake-registry.js';
import { writeLayout } from '../support/image-layouts.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { makeImage, makeLayer } from '../support/store-lab.js';

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

here('a pull that is under way when the runtime is closed says so, and what it has got is gone on with', async (t) => {
  const registry = await FakeRegistry.start();
  t.teardown(() => { registry.close(); });
  const layer = makeLayer({ content: randomBytes(400_000).toString('hex') });
  const image = makeImage([layer], { architecture: process.arch === 'x64' ? 'amd64' : 'arm64' });
  registry.blobs.set(image.config.descriptor.digest, image.config.bytes).set(layer.descriptor.digest, layer.bytes);
  registry.manifests.set('1', { bytes: image.manifest.bytes, type: image.manifest.descriptor.mediaType });
  registry.intercept = ({ url, headers }, response) => {
    if (!url.includes(layer.descriptor.digest) || headers.range !== undefined) return false;
    response.writeHead(200, { 'content-length': layer.bytes.length }).write(layer.bytes.subarray(0, 200_000));
    return true;
  };
  const folder = mkdtempSync(join(lab.scratch, 'closed-'));
  const open = async () => Runtime.open({ root: join(folder, 'state'), imageRoot: join(folder, 'images') });
  const first = await open();
  const begun = first.images.pull(`${registry.host}/app:1`);
  const watching = (async () => {
    for await (const { stage, doneBytes } of begun) if (stage === 'fetching' && doneBytes === 200_000) void first.close();
  })();
  const said = { code: 'ERR_TSRUN_STATE', message: 'the runtime was closed during the work on an image' };
  await t.throwsAsync(watching, said);
  await t.throwsAsync(begun.done, said);
  await first.close();
  t.deepEqual(readdirSync(join(folder, 'images/tmp')).filter((name) => name.startsWith('blob-')), [`blob-${layer.descriptor.digest.slice(7)}`]);
  const closed = { code: 'ERR_TSRUN_STATE', message: 'the runtime is closed' };
  for (const late of [first.images.import('/nowhere'), first.images.pull('nothing'), first.images.resolve('nothing'), first.images.save(['nothing'], join(folder, 'x.tar'))]) {
    await t.throwsAsync(late.done, closed);
  }
  const second = await open();
  t.teardown(async () => second.close());
  await second.images.pull(`${registry.host}/app:1`).done;
  t.deepEqual(registry.seen.filter(({ url }) => url.includes(layer.descriptor.digest)).map(({ headers }) => headers.range), [undefined, 'bytes=200000-']);
});

here('an import that is under way when the runtime is closed does not blame the image', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'closed-'));
  mkdirSync(join(folder, 'layout'));
  const { path } = writeLayout(join(folder, 'layout'), [makeLayer({ content: randomBytes(16_000_000).toString('hex') })], {});
  const runtime = await Runtime.open({ root: join(folder, 'state'), imageRoot: join(folder, 'images') });
  const begun = runtime.images.import(path);
  const watch = async () => {
    for await (const { stage } of begun) if (stage === 'unpacking') void runtime.close();
  };
  await t.throwsAsync(watch(), { code: 'ERR_TSRUN_STATE', message: 'the runtime was closed during the work on an image' });
  await runtime.close();
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
