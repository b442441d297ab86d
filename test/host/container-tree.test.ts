/** The tree of a container for the archiver: of a live one, of one that is paused, and of one that has ended. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { StateRoot } from '../../src/container/state/state-root.js';
import { TsrunError, type Container, type RunOptions } from '../../src/index.js';
import { someLimits } from '../support/archive-lab.js';
import { failure } from '../support/failure.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';
import { tar, type TarEntry } from '../support/tar.js';

const lab = new Lab();
const test = needs('root', 'userns', 'overlay');

async function listed(id: string, path: string): Promise<string[]> {
  const runtime = await lab.runtime();
  const tree = await runtime.openTree(id, { write: false });
  const found: string[] = [];
  try {
    for await (const { path: inner, uid, gid } of (await runtime.archiver()).list({ place: tree.place, path })) found.push(`${inner.toString()} ${uid}:${gid}`);
  } finally {
    await tree.release();
  }
  return found;
}

async function put(id: string, path: string, ...entries: TarEntry[]): Promise<void> {
  const runtime = await lab.runtime();
  const tree = await runtime.openTree(id, { write: true });
  try {
    await (await runtime.archiver()).unpackFiles({ place: tree.place, path, source: Readable.from([tar(entries)]), limits: someLimits });
  } finally {
    await tree.release();
  }
}

async function ended(script: string, options: RunOptions = {}, image = lab.image): Promise<Container> {
  const container = await lab.start({ command: ['sh', '-c', script], stdout: 'ignore', autoRemove: false, ...(options.root === undefined && { rootStorage: 'disk' }), ...options }, image);
  await container.exited;
  return container;
}

const script = 'mkdir /made; echo new >/made/file; busybox chown 3:4 /made/file; rm -r /etc; mkdir /etc; echo x >/etc/only';

test('what one that has ended wrote to disk lies over its image, with the ids that it had', async (t) => {
  const runtime = await lab.runtime();
  const { id } = await ended(script);
  t.deepEqual(await listed(id, '/made'), [' 0:0', 'file 3:4']);
  t.deepEqual(await listed(id, '/etc'), [' 0:0', 'only 0:0'], 'what it removed is gone');
  t.deepEqual(await listed(id, '/bin/busybox'), [' 0:0'], 'with what it did not change');
  await put(id, '/etc', { name: 'd/', uid: 7 }, { name: 'd/put', data: 'text', uid: 5, gid: 6 });
  t.deepEqual(await listed(id, '/etc'), [' 0:0', 'd 7:0', 'd/put 5:6', 'only 0:0']);
  const { root } = runtime.inspect(id).record.extensions;
  const upper = root?.kind === 'disposable' ? (root.disk?.folder ?? '') : '';
  const first = runtime.inspect(id).record.spec.linux?.uidMappings?.[0]?.hostID ?? 0;
  t.is(readFileSync(join(upper, 'upper/etc/d/put'), 'utf8'), 'text');
  t.is(statSync(join(upper, 'upper/etc/d/put')).uid, first + 5);
  t.deepEqual(readdirSync(new StateRoot(lab.stateRoot).containersPath).filter((name) => name.startsWith('archive')), []);
  runtime.remove(id);
  t.regex(await failure(listed(id, '/')), /^ERR_TSRUN_NOT_FOUND/);
});

test('the same of an image with many layers, which others see no change of', async (t) => {
  const layers = makeLayers(lab.scratch, 12);
  const image = nameLayers('tree-of-many', [...layers.slice(0, -1), makeImage(lab)]);
  const { id } = await ended(script, {}, image);
  t.deepEqual(await listed(id, '/made'), [' 0:0', 'file 3:4']);
  for (const round of ['1', '2']) await put(id, '/made', { name: 'file', data: round }, { name: `f${round}`, data: '' });
  t.deepEqual(await listed(id, '/made'), [' 0:0', 'f1 0:0', 'f2 0:0', 'file 0:0']);
  t.deepEqual(layers.flatMap((layer) => readdirSync(layer)).filter((name) => name === 'made'), []);
  (await lab.runtime()).remove(id);
});

test('one that ran straight from a folder is that folder; a read-only root is the image', async (t) => {
  const image = makeImage(lab);
  const written = await ended('echo 1 >/written', { root: 'writable' }, image);
  t.deepEqual(await listed(written.id, '/written'), [' 0:0']);
  await put(written.id, '/', { name: 'put', data: 'x', uid: 9 });
  t.is(readFileSync(join(image, 'put'), 'utf8'), 'x');
  t.is(statSync(join(image, 'put')).uid, 9, 'the folder is id-mapped, as it was');
  const { id } = await ended('true', { root: 'read-only' }, image);
  t.deepEqual(await listed(id, '/put'), [' 9:0']);
  t.regex(await failure(put(id, '/', { name: 'put' })), /^ERR_TSRUN_STATE: the root of the container '.*' is read-only$/);
  for (const each of [written.id, id]) (await lab.runtime()).remove(each);
});

test('what was in memory is gone, and nothing is shown in its place', async (t) => {
  const { id } = await ended('echo 1 >/written', { rootStorage: 'memory' });
  t.regex(await failure(listed(id, '/')), /^ERR_TSRUN_STATE: the container '.*' has ended, and what it wrote is gone, since that was in memory$/);
  (await lab.runtime()).remove(id);
  t.regex(await failure(listed('none', '/')), /^ERR_TSRUN_NOT_FOUND: there is no container 'none'$/);
});

test('a namespace that it had joined is nothing to look into', async (t) => {
  const { id, exited } = await lab.start({ command: ['true'], namespaces: { mount: 'host', user: 'host' }, autoRemove: false }, '/');
  await exited;
  t.regex(await failure(listed(id, '/')), /^ERR_TSRUN_UNSUPPORTED: .* it had no mounts of its own$/);
  (await lab.runtime()).remove(id);
});

test('a live one is seen as it is, also while it is paused, and by nobody in it', async (t) => {
  const container = await lab.idle({ mounts: [{ type: 'tmpfs', destination: '/volume' }] });
  await put(container.id, '/volume', { name: 'before', data: 'x' });
  await container.pause();
  await put(container.id, '/volume', { name: 'file', data: Buffer.alloc(8 * 2 ** 20), uid: 5 });
  t.deepEqual(await listed(container.id, '/volume'), [' 0:0', 'before 0:0', 'file 5:0']);
  await container.resume();
  const runtime = await lab.runtime();
  const tree = await runtime.openTree(container.id, { write: true });
  const silent = new Readable({ read() { /* says nothing, so that the program waits */ } });
  const stop = new AbortController();
  const work = (await runtime.archiver()).unpackFiles({ place: tree.place, path: '/volume', source: silent, limits: someLimits, signal: stop.signal });
  await delay(300);
  t.regex(await failure(listed(container.id, '/proc/2')), /ENOENT$/, 'as the container counts, there is no second process');
  t.is(readFileSync(join(container.record.cgroup, 'cgroup.procs'), 'utf8'), `${container.pid}\n`, 'nor does one count as its own');
  stop.abort();
  await t.throwsAsync(work, { code: 'ERR_TSRUN_ABORTED' });
  await tree.release();
  await container[Symbol.asyncDispose]();
});

test('one at a time uses an upper layer, and nobody removes it meanwhile', async (t) => {
  const runtime = await lab.runtime();
  const { id } = await ended(script);
  const tree = await runtime.openTree(id, { write: true });
  const error = t.throws(() => { runtime.remove(id); }, { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_STATE');
  t.regex(error.message, /are in use: something is being copied$/);
  const stop = new AbortController();
  const given = runtime.openTree(id, { write: false, signal: stop.signal });
  stop.abort();
  await t.throwsAsync(given, { code: 'ERR_TSRUN_ABORTED' });
  const second = runtime.openTree(id, { write: false });
  const third = runtime.openTree(id, { write: false });
  await tree.release();
  const next = await Promise.race([second, third]);
  await next.release();
  for (const each of await Promise.all([second, third])) await each.release();
  const last = await runtime.openTree(id, { write: false });
  const late = runtime.openTree(id, { write: false });
  await last.release();
  await (await late).release();
  // Who waits while it is removed finds nothing.
  const held = await runtime.openTree(id, { write: false });
  const waiting = failure(runtime.openTree(id, { write: false }));
  new StateRoot(lab.stateRoot).removeContainer(held.record);
  await held.release();
  t.regex(await waiting, /^ERR_TSRUN_NOT_FOUND/);
});

test('a launcher that is killed at work takes nothing with it', async (t) => {
  const { Runtime } = await import('../../src/index.js');
  const runtime = await lab.runtime();
  const { id } = await ended(script);
  const other = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const tree = await other.openTree(id, { write: true });
  const silent = new Readable({ read() { /* says nothing, so that the program waits */ } });
  const work = (await other.archiver()).unpackFiles({ place: tree.place, path: '/made', source: silent, limits: someLimits });
  await delay(300);
  const launcher = readFileSync(join(lab.stateRoot, 'containers', readdirSync(join(lab.stateRoot, 'containers')).find((name) => name.startsWith('archive.')) ?? '', 'pid'), 'utf8');
  const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${Number(launcher)}/status`, 'utf8'))?.[1];
  process.kill(Number(parent), 'SIGKILL');
  await t.throwsAsync(work);
  silent.destroy();
  await tree.release();
  await other.close().catch(() => undefined);
  await runtime.gc();
  t.deepEqual(await listed(id, '/made'), [' 0:0', 'file 3:4'], 'what the container wrote is still there');
  runtime.remove(id);
});

lab.declareLeakTest();
