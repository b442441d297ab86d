/** Copies between containers and the host: archives, what is hard to carry, owners, mounts, ends of every kind. */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime, type Container, type RunOptions } from '../../src/index.js';
import { CopyLab, given, namesIn } from '../support/copy-lab.js';
import { failure } from '../support/failure.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar } from '../support/tar.js';
import { readNames, readTree } from '../support/trees.js';

const lab = new Lab();
const copies = new CopyLab(lab);
const test = needs('root', 'userns', 'overlay', 'command:getfattr');

async function ended(script: string, options: RunOptions = {}): Promise<Container> {
  const container = await lab.start({ command: ['sh', '-c', script], stdout: 'ignore', autoRemove: false, rootStorage: 'disk', ...options });
  await container.exited;
  return container;
}

test('archives: contents, names, and where they may go', async (t) => {
  const container = await lab.idle();
  await copies.inner(container, `mkdir /from; cd /from; ${given}; busybox chown 5:6 file`);
  t.deepEqual(namesIn(await copies.packed(container, '/from/folder')), ['folder/', 'folder/deep/', 'folder/deep/f']);
  t.deepEqual(namesIn(await copies.packed(container, 'from/folder/')), ['folder/', 'folder/deep/', 'folder/deep/f']);
  t.deepEqual(namesIn(await copies.packed(container, '/from/folder/.')), ['./', './deep/', './deep/f']);
  t.deepEqual(namesIn(await copies.packed(container, '/from/file')), ['file']);
  t.true(namesIn(await copies.packed(container, '/')).includes('./from/folder/deep/f'));
  t.is((await copies.copyOut(container, '/from/folder', new PassThrough().resume())).entries, 3);
  t.is(execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: await copies.packed(container, '/from/file'), encoding: 'utf8' }).split(/\s+/)[1], '5/6', 'owners are the container\'s');
  const archive = tar([{ name: 'made/', uid: 7 }, { name: 'made/file', data: 'x', uid: 8, gid: 9 }]);
  t.deepEqual(await copies.copyIn(container, Readable.from([archive]), '/from/link'), { entries: 2, bytes: 1 });
  t.is(await copies.inner(container, 'busybox stat -c %u:%g /from/folder/made/file'), '0:0\n');
  await copies.copyIn(container, Readable.from([archive]), '/from/folder', { archive: true });
  t.is(await copies.inner(container, 'busybox stat -c %u:%g /from/folder/made/file'), '8:9\n');
  for (const path of ['/from/file', '/from/none', '/from/flink']) t.regex(await failure(copies.copyIn(container, Readable.from([archive]), path)), /^ERR_TSRUN_COPY: an archive is unpacked into a folder, and '.*' in the container '.*' is none$/);
  t.regex(await failure(copies.copyIn(container, Readable.from([Buffer.from('no archive at all, but text'.repeat(100))]), '/from')), /^ERR_TSRUN_COPY: the copy: /);
  t.regex(await failure(copies.copyIn(container, Readable.from([tar([{ name: '../out', data: '1' }])]), '/from')), /^ERR_TSRUN_COPY: entry '..\/out' of the copy: its name leads out of its folder$/);
  await container[Symbol.asyncDispose]();
});

const hard = `mkdir -p d/empty; printf '%0200d' 0 >/dev/null; long=$(printf 'n%.0s' $(seq 200)); mkdir -p d/$long/$long; echo long >d/$long/$long/f
  echo hello >d/a; ln d/a d/hard; mkfifo d/pipe; truncate -s 20M d/sparse; printf x | dd of=d/sparse bs=1 seek=9000000 conv=notrunc 2>/dev/null
  setfattr -n user.note -v text d/a; chown 1000:2000 d/a; chmod 6755 d/a; echo c >d/cap; setcap cap_net_bind_service+ep d/cap 2>/dev/null || setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 d/cap
  chmod 1777 d/empty; touch -d '2001-02-03 04:05:06' d/a d/empty; chmod 0 d/cap; ln -s /etc/passwd d/link; printf 'caf\\303\\251' >d/'wei rd'`;

test('what is hard to carry goes in and comes back as it was', async (t) => {
  const container = await lab.idle({ rootBytes: '256m' });
  const source = copies.hostFolder(hard);
  const back = copies.hostFolder();
  await copies.copyIn(container, `${source}/d`, '/d', { archive: true });
  t.is(await copies.inner(container, 'cd /d; busybox stat -c "%n %a %u:%g %h" a cap hard; [ a -ef hard ] && echo same; busybox du -k sparse | busybox awk "{ print (\\$1 < 1000) }"'), 'a 6755 1000:2000 2\ncap 0 0:0 1\nhard 6755 1000:2000 2\nsame\n1\n');
  await copies.copyOut(container, '/d', `${back}/d`, { archive: true });
  // On a tmpfs before Linux 6.6 there are no attributes of users; an overlay writes capabilities for the container's root alone.
  // What is in seconds in a header is so in the tree of everybody.
  const options = { xattrs: () => false, times: false };
  t.deepEqual(readTree(join(back, 'd'), options), readTree(join(source, 'd'), options));
  for (const name of ['a', 'empty']) t.is(statSync(join(back, 'd', name)).mtimeMs, statSync(join(source, 'd', name)).mtimeMs);
  t.true(statSync(join(back, 'd/sparse')).blocks < 1000, 'holes stay holes');
  await container[Symbol.asyncDispose]();
});

test('owners: root\'s inside and the caller\'s outside, and with them no rights that nobody gave', async (t) => {
  const container = await lab.idle();
  const source = copies.hostFolder(hard);
  await copies.copyIn(container, `${source}/d`, '/d');
  t.is(await copies.inner(container, 'cd /d; busybox stat -c "%a %u:%g" a; busybox find . ! -user 0'), '6755 0:0\n', 'as docker does, modes stay');
  await copies.inner(container, 'cp /bin/busybox /d/su; busybox chmod 6755 /d/su; busybox chmod 2755 /d/empty; busybox chown 3:4 /d/empty');
  const out = copies.hostFolder();
  await copies.copyOut(container, '/d', out);
  t.is(lstatSync(join(out, 'd/su')).mode & 0o7777, 0o755, 'on the host it would be root\'s own');
  t.is(lstatSync(join(out, 'd/empty')).mode & 0o7777, 0o2755);
  const tree = Object.values(readTree(join(out, 'd')));
  t.deepEqual([...new Set(tree.map(({ owner }) => owner))], ['0:0']);
  t.deepEqual(tree.filter(({ xattrs }) => xattrs?.['security.capability'] !== undefined), []);
  await copies.copyOut(container, '/d', `${out}/kept`, { archive: true });
  t.is(lstatSync(join(out, 'kept/su')).mode & 0o7777, 0o6755, 'control: with the owner they stay');
  t.is(lstatSync(join(out, 'kept/empty')).uid, 3);
  await container[Symbol.asyncDispose]();
});

test('a large file is streamed: what is copied is never in this process\'s memory', async (t) => {
  const container = await lab.idle({ rootBytes: '400m' });
  const source = copies.hostFolder('head -c 150000000 /dev/urandom >large');
  const told: number[] = [];
  global.gc?.();
  const before = process.memoryUsage();
  let most = 0;
  const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().rss); }, 20);
  t.deepEqual(await copies.copyIn(container, `${source}/large`, '/large', { onProgress: (bytes) => { told.push(bytes); } }), { entries: 1, bytes: 150_000_000 });
  const hash = execFileSync('sha256sum', [`${source}/large`], { encoding: 'utf8' }).slice(0, 64);
  t.regex(await copies.inner(container, 'busybox sha256sum /large'), new RegExp(`^${hash}`));
  const slow = new Writable({ highWaterMark: 1, write(_chunk, _encoding, done) { setTimeout(done, 1); } });
  t.true((await copies.copyOut(container, '/large', slow)).bytes > 150_000_000);
  clearInterval(watch);
  t.true(most - before.rss < 100_000_000, `${most - before.rss} bytes more`);
  t.true(told.length > 3 && told.every((bytes, index) => bytes >= (told[index - 1] ?? 0)), 'progress is told');
  await container[Symbol.asyncDispose]();
});

test('a copy is given up, and what is full says so', async (t) => {
  const container = await lab.idle({ rootBytes: '8m', mounts: [{ type: 'tmpfs', destination: '/ro', options: ['ro'] }] });
  const source = copies.hostFolder('head -c 30000000 /dev/zero | tr "\\0" x >large; echo 1 >small; mkdir hosts');
  t.regex(await failure(copies.copyIn(container, `${source}/large`, '/')), /^ERR_TSRUN_COPY: entry 'large' of the copy: write in the container: ENOSPC$/);
  t.regex(await failure(copies.copyIn(container, `${source}/small`, '/ro')), /^ERR_TSRUN_COPY: entry 'small' of the copy: openat in the container: EROFS$/);
  t.regex(await failure(copies.copyIn(container, `${source}/small`, '/etc/hosts')), /^\{|EBUSY/);
  t.regex(await failure(copies.copyIn(container, `${source}/hosts`, '/etc')), /^ERR_TSRUN_COPY: entry 'hosts' of the copy: there is a file in the place of the folder$/);
  await copies.inner(container, 'rm -f /large; mkdir -p /x/small');
  t.regex(await failure(copies.copyIn(container, `${source}/small`, '/x')), /^ERR_TSRUN_COPY: entry 'small' of the copy: there is a folder in its place$/);
  t.regex(await failure(copies.copyIn(container, source, '/x', { signal: AbortSignal.abort() })), /^ERR_TSRUN_ABORTED/);
  const stop = new AbortController();
  const endless = new Readable({ read() { this.push(Buffer.alloc(65536)); } });
  const unpacking = failure(copies.copyIn(container, endless, '/x', { signal: stop.signal }));
  const slow = new Writable({ write(_chunk, _encoding, done) { setTimeout(done, 60_000).unref(); } });
  const packing = failure(copies.copyOut(container, '/bin/busybox', slow, { signal: stop.signal }));
  await delay(500);
  stop.abort();
  t.regex(await unpacking, /^ERR_TSRUN_(?:ABORTED|COPY)/);
  t.regex(await packing, /^ERR_TSRUN_ABORTED/);
  const early = new Writable({ write(_chunk, _encoding, done) { done(); } });
  early.destroy(new Error('broken from the start'));
  await t.throwsAsync(copies.copyOut(container, '/bin/busybox', early), { message: 'broken from the start' });
  await t.throwsAsync(copies.copyOut(container, '/bin/busybox', createWriteStream('/none/at/all')), { code: 'ENOENT' });
  await t.throwsAsync(copies.copyIn(container, createReadStream('/none/at/all'), '/x'), { code: 'ENOENT' });
  const broken = new Writable({ write(_chunk, _encoding, done) { done(new Error('full')); } });
  await t.throwsAsync(copies.copyOut(container, '/bin/busybox', broken), { message: 'full' });
  for (const [source_, destination] of [['', '/x'], ['/x\0', '/x'], ['/x', '']] as const) t.regex(await failure(copies.copyIn(container, source_, destination)), /^ERR_TSRUN_INVALID_ARGUMENT/);
  t.regex(await failure(copies.copyIn('none', source, '/x')), /^ERR_TSRUN_NOT_FOUND/);
  await container[Symbol.asyncDispose]();
});

test('volumes are copied with what they lie in, and into; what the kernel shows is not', async (t) => {
  const volume = copies.hostFolder('mkdir sub; echo v >sub/file');
  const container = await lab.idle({ mounts: [{ type: 'bind', source: volume, destination: '/data/volume', options: ['idmap'] }] });
  const out = copies.hostFolder();
  await copies.copyOut(container, '/data', out);
  t.deepEqual(readNames(out), ['data/', 'data/volume/', 'data/volume/sub/', 'data/volume/sub/file']);
  await copies.copyIn(container, `${out}/data`, '/');
  const source = copies.hostFolder('mkdir -p data/volume/sub; echo new >data/volume/sub/new');
  await copies.copyIn(container, `${source}/data`, '/');
  t.is(readFileSync(join(volume, 'sub/new'), 'utf8'), 'new\n');
  const names = namesIn(await copies.packed(container, '/'));
  t.true(names.includes('./data/volume/sub/new'));
  t.deepEqual(names.filter((name) => /^\.\/(?:proc|sys)\/./.test(name)), []);
  await container[Symbol.asyncDispose]();
});

test('one that is paused, one that has ended, and many copies at once', async (t) => {
  const runtime = await lab.runtime();
  const live = await lab.idle();
  const source = copies.hostFolder('mkdir s; echo 1 >s/f');
  await live.pause();
  await copies.copyIn(live.id, `${source}/s`, '/while-paused');
  t.deepEqual(namesIn(await copies.packed(live, '/while-paused')), ['while-paused/', 'while-paused/f']);
  await live.resume();
  const left = await ended('mkdir /made; echo made >/made/file; busybox chown 7:8 /made/file', { mounts: [{ type: 'bind', source, destination: '/data' }] });
  await Promise.all([live, left].flatMap((container) => Array.from({ length: 6 }, async (_, index) => copies.copyIn(container.id, `${source}/s`, `/many${index}`))));
  for (const { id } of [live, left]) t.deepEqual(namesIn(await copies.packed(id, '/')).filter((name) => name.startsWith('./many') && name.endsWith('f')).length, 6);
  const out = copies.hostFolder();
  await copies.copyOut(left.id, '/made/.', out, { archive: true });
  t.like(readTree(out), { file: { owner: '7:8', size: 5 } });
  await copies.copyIn(left.id, `${source}/s/f`, '/made/file');
  t.regex(await failure(copies.copyOut(left.id, '/data/s', out)), /^ERR_TSRUN_COPY: '\/data' was a mount of the container '.*', which has ended$/);
  t.is(execFileSync('tar', ['-xOf', '-'], { input: await copies.packed(left.id, '/made/file'), encoding: 'utf8' }), '1\n');
  t.deepEqual(runtime.list().filter(({ id }) => id.startsWith('archive.')), []);
  runtime.remove(left.id);
  await live[Symbol.asyncDispose]();
});

test('of another process\'s container as of one\'s own', async (t) => {
  const live = await lab.idle();
  await using other = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const source = copies.hostFolder('echo 1 >f; mkdir out');
  for (let round = 0; round < 3; round++) await other.copyIn(live.id, `${source}/f`, '/f');
  await other.copyOut(live.id, '/f', `${source}/out`);
  t.is(readFileSync(join(source, 'out/f'), 'utf8'), '1\n');
  t.is(live.state, 'running', 'whose owner stays its owner');
  await live[Symbol.asyncDispose]();
});


lab.declareLeakTest();
