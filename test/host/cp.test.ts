/** Copies between containers and the host: docker's table on real files, what is hard to carry, and what a hostile container tries. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { TsrunError, type Container, type CopyOptions, type RunOptions } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { tar } from '../support/tar.js';
import { readNames, readTree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'userns', 'overlay', 'command:getfattr');

function hostFolder(script = ''): string {
  const folder = mkdtempSync(join(lab.scratch, 'host-'));
  execFileSync('sh', ['-ec', script], { cwd: folder });
  return folder;
}

async function inner(container: Container, script: string): Promise<string> {
  const { stdout, stderr } = await lab.exec(container, { command: ['sh', '-c', script] });
  return stdout + stderr;
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await work);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

async function ended(script: string, options: RunOptions = {}): Promise<Container> {
  const container = await lab.start({ command: ['sh', '-c', script], stdout: 'ignore', autoRemove: false, rootStorage: 'disk', ...options });
  await container.exited;
  return container;
}

const copyIn = async (container: Container | string, source: string | Readable, destination: string, options: CopyOptions = {}) => (await lab.runtime()).copyIn(container, source, destination, options);
const copyOut = async (container: Container | string, source: string, destination: string | Writable, options: CopyOptions = {}) => (await lab.runtime()).copyOut(container, source, destination, options);

async function packed(container: Container | string, source: string, options: CopyOptions = {}): Promise<Buffer> {
  const stream = new PassThrough();
  const [bytes] = await Promise.all([buffer(stream), copyOut(container, source, stream, options)]);
  return bytes;
}

const namesIn = (archive: Buffer) => execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');

/** Below a folder that is made anew: `folder/` with a file, `file`, `other`, and links to both. */
const given = 'mkdir -p folder/deep target; echo file >file; echo other >other; echo deep >folder/deep/f; ln -s folder link; ln -s file flink; ln -s nowhere dangling';

interface Row {
  readonly source: string;
  readonly destination: string;
  /** What is there then, below the folder of the destination, beside what was; or the refusal. */
  readonly gives: readonly string[] | RegExp;
  readonly options?: CopyOptions;
}

/** Docker's page of `docker cp`, row by row; the destination starts as `target/`, `file` and `link` (to `target`) in an empty folder. */
const rows: readonly Row[] = [
  { source: 'file', destination: 'new', gives: ['new'] },
  { source: 'file', destination: 'new/', gives: /^ERR_TSRUN_COPY: there is no folder '.*new' to copy into$/ },
  { source: 'file', destination: 'none/new', gives: /^ERR_TSRUN_COPY: there is no folder '.*none' to copy into$/ },
  { source: 'file', destination: 'file', gives: [] },
  { source: 'file', destination: 'file/', gives: /^ERR_TSRUN_COPY: '.*file\/?' is no folder$|^ERR_TSRUN_COPY: there is no folder '.*file\/?' to copy into$/ },
  { source: 'file', destination: 'file/x', gives: /^ERR_TSRUN_COPY: there is no folder '.*file' to copy into$/ },
  { source: 'file', destination: 'target', gives: ['target/file'] },
  { source: 'file', destination: 'target/', gives: ['target/file'] },
  { source: 'file', destination: 'link', gives: ['target/file'] },
  { source: 'file', destination: '.', gives: [] },
  { source: 'file/', destination: 'new', gives: /^ERR_TSRUN_COPY: / },
  { source: 'file/.', destination: 'new', gives: /^ERR_TSRUN_COPY: / },
  { source: 'none', destination: 'new', gives: /^ERR_TSRUN_COPY: there is no '.*none'/ },
  { source: 'folder', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder', destination: 'new/', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder/', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder/.', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder', destination: 'none/new', gives: /^ERR_TSRUN_COPY: there is no folder '.*none' to copy into$/ },
  { source: 'folder', destination: 'file', gives: /^ERR_TSRUN_COPY: a folder cannot be copied over '.*file', which is none$/ },
  { source: 'folder/.', destination: 'file', gives: /^ERR_TSRUN_COPY: a folder cannot be copied over/ },
  { source: 'folder', destination: 'target', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'folder/', destination: 'target', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'folder/.', destination: 'target', gives: ['target/deep/', 'target/deep/f'] },
  { source: 'folder/../folder/./', destination: 'link/', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'link', destination: 'new', gives: ['new'] },
  { source: 'link', destination: 'new', options: { followLink: true }, gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'link/.', destination: 'target', gives: ['target/deep/', 'target/deep/f'] },
  { source: 'link/', destination: 'target', gives: ['target/link/', 'target/link/deep/', 'target/link/deep/f'] },
  { source: 'flink', destination: 'target', options: { followLink: true }, gives: ['target/flink'] },
  { source: 'dangling', destination: 'target', gives: ['target/dangling'] },
  { source: 'dangling', destination: 'target', options: { followLink: true }, gives: /^ERR_TSRUN_COPY: there is no '.*dangling'/ },
];

const start = ['file', 'link', 'target/'];
const prepare = 'mkdir target; echo old >file; ln -s target link';

test('docker\'s table, into a container', async (t) => {
  const container = await lab.idle();
  const source = hostFolder(given);
  for (const { source: name, destination, gives, options = {} } of rows) {
    await inner(container, `rm -rf /to; mkdir /to; cd /to; ${prepare}`);
    const said = await failure(copyIn(container, `${source}/${name}`, `/to/${destination}`, options));
    const found = (await inner(container, 'cd /to; busybox find . -mindepth 1 -type d -exec echo {}/ ";" -o -mindepth 1 -print')).trim().split('\n').map((line) => line.slice(2)).sort();
    const title = `${name} to ${destination}: ${said}`;
    if (gives instanceof RegExp) t.regex(said, gives, title);
    t.deepEqual(found, [...start, ...(gives instanceof RegExp ? [] : gives)].sort(), title);
    if (destination === 'file' && !(gives instanceof RegExp)) t.is(await inner(container, 'cat /to/file'), 'file\n');
  }
  await container[Symbol.asyncDispose]();
});

test('docker\'s table, out of a container', async (t) => {
  const container = await lab.idle();
  await inner(container, `mkdir /from; cd /from; ${given}`);
  for (const { source, destination, gives, options = {} } of rows) {
    const folder = hostFolder(prepare);
    const said = await failure(copyOut(container, `/from/${source}`, `${folder}/${destination}`, options));
    const title = `${source} to ${destination}: ${said}`;
    if (gives instanceof RegExp) t.regex(said, gives, title);
    t.deepEqual(readNames(folder), [...start, ...(gives instanceof RegExp ? [] : gives)].sort(), title);
    if (source === 'link' && options.followLink !== true) t.is(readlinkSync(join(folder, 'new')), 'folder', 'a link stays one');
  }
  await container[Symbol.asyncDispose]();
});

test('archives: contents, names, and where they may go', async (t) => {
  const container = await lab.idle();
  await inner(container, `mkdir /from; cd /from; ${given}; busybox chown 5:6 file`);
  t.deepEqual(namesIn(await packed(container, '/from/folder')), ['folder/', 'folder/deep/', 'folder/deep/f']);
  t.deepEqual(namesIn(await packed(container, 'from/folder/')), ['folder/', 'folder/deep/', 'folder/deep/f']);
  t.deepEqual(namesIn(await packed(container, '/from/folder/.')), ['./', './deep/', './deep/f']);
  t.deepEqual(namesIn(await packed(container, '/from/file')), ['file']);
  t.true(namesIn(await packed(container, '/')).includes('./from/folder/deep/f'));
  t.is((await copyOut(container, '/from/folder', new PassThrough().resume())).entries, 3);
  t.is(execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: await packed(container, '/from/file'), encoding: 'utf8' }).split(/\s+/)[1], '5/6', 'owners are the container\'s');
  const archive = tar([{ name: 'made/', uid: 7 }, { name: 'made/file', data: 'x', uid: 8, gid: 9 }]);
  t.deepEqual(await copyIn(container, Readable.from([archive]), '/from/link'), { entries: 2, bytes: 1 });
  t.is(await inner(container, 'busybox stat -c %u:%g /from/folder/made/file'), '0:0\n');
  await copyIn(container, Readable.from([archive]), '/from/folder', { archive: true });
  t.is(await inner(container, 'busybox stat -c %u:%g /from/folder/made/file'), '8:9\n');
  for (const path of ['/from/file', '/from/none', '/from/flink']) t.regex(await failure(copyIn(container, Readable.from([archive]), path)), /^ERR_TSRUN_COPY: an archive is unpacked into a folder, and '.*' in the container '.*' is none$/);
  t.regex(await failure(copyIn(container, Readable.from([Buffer.from('no archive at all, but text'.repeat(100))]), '/from')), /^ERR_TSRUN_COPY: the copy: /);
  t.regex(await failure(copyIn(container, Readable.from([tar([{ name: '../out', data: '1' }])]), '/from')), /^ERR_TSRUN_COPY: entry '..\/out' of the copy: its name leads out of its folder$/);
  await container[Symbol.asyncDispose]();
});

const hard = `mkdir -p d/empty; printf '%0200d' 0 >/dev/null; long=$(printf 'n%.0s' $(seq 200)); mkdir -p d/$long/$long; echo long >d/$long/$long/f
  echo hello >d/a; ln d/a d/hard; mkfifo d/pipe; truncate -s 20M d/sparse; printf x | dd of=d/sparse bs=1 seek=9000000 conv=notrunc 2>/dev/null
  setfattr -n user.note -v text d/a; chown 1000:2000 d/a; chmod 6755 d/a; echo c >d/cap; setcap cap_net_bind_service+ep d/cap 2>/dev/null || setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 d/cap
  chmod 1777 d/empty; touch -d '2001-02-03 04:05:06' d/a d/empty; chmod 0 d/cap; ln -s /etc/passwd d/link; printf 'caf\\303\\251' >d/'wei rd'`;

test('what is hard to carry goes in and comes back as it was', async (t) => {
  const container = await lab.idle({ rootBytes: '256m' });
  const source = hostFolder(hard);
  const back = hostFolder();
  await copyIn(container, `${source}/d`, '/d', { archive: true });
  t.is(await inner(container, 'cd /d; busybox stat -c "%n %a %u:%g %h" a cap hard; [ a -ef hard ] && echo same; busybox du -k sparse | busybox awk "{ print (\\$1 < 1000) }"'), 'a 6755 1000:2000 2\ncap 0 0:0 1\nhard 6755 1000:2000 2\nsame\n1\n');
  await copyOut(container, '/d', `${back}/d`, { archive: true });
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
  const source = hostFolder(hard);
  await copyIn(container, `${source}/d`, '/d');
  t.is(await inner(container, 'cd /d; busybox stat -c "%a %u:%g" a; busybox find . ! -user 0'), '6755 0:0\n', 'as docker does, modes stay');
  await inner(container, 'cp /bin/busybox /d/su; busybox chmod 6755 /d/su; busybox chmod 2755 /d/empty; busybox chown 3:4 /d/empty');
  const out = hostFolder();
  await copyOut(container, '/d', out);
  t.is(lstatSync(join(out, 'd/su')).mode & 0o7777, 0o755, 'on the host it would be root\'s own');
  t.is(lstatSync(join(out, 'd/empty')).mode & 0o7777, 0o2755);
  const tree = Object.values(readTree(join(out, 'd')));
  t.deepEqual([...new Set(tree.map(({ owner }) => owner))], ['0:0']);
  t.deepEqual(tree.filter(({ xattrs }) => xattrs?.['security.capability'] !== undefined), []);
  await copyOut(container, '/d', `${out}/kept`, { archive: true });
  t.is(lstatSync(join(out, 'kept/su')).mode & 0o7777, 0o6755, 'control: with the owner they stay');
  t.is(lstatSync(join(out, 'kept/empty')).uid, 3);
  await container[Symbol.asyncDispose]();
});

test('a hostile container leads no copy out of it, and none on the host', async (t) => {
  const outside = hostFolder('echo secret >secret; mkdir victim; echo mine >victim/file');
  const container = await lab.idle();
  await inner(container, `mkdir -p /h/sub; cd /h; ln -s ${outside}/secret secret; ln -s ${outside} all; ln -s ../../../../../../..${outside} up; ln -s /proc/self/root proc; ln -s /proc/1/root one; echo ok >sub/f`);
  // Reads of the host.
  for (const [path, options] of [['/h/secret', { followLink: true }], ['/h/all/secret', {}], ['/h/up/secret', {}], ['/h/all/.', {}], [`/h/proc${outside}/secret`, {}], [`/h/one${outside}/secret`, {}], [`/h/../../../..${outside}/secret`, {}]] as const) {
    t.regex(await failure(copyOut(container, path, hostFolder(), options)), /^ERR_TSRUN_COPY/, path);
  }
  const out = hostFolder();
  await copyOut(container, '/h', out);
  t.true(lstatSync(join(out, 'h/secret')).isSymbolicLink(), 'as links they come out');
  t.is(readFileSync(join(out, 'h/secret'), 'utf8'), 'secret\n', 'control: whoever follows it is on the host');
  // Writes through what an earlier copy has put there.
  await inner(container, 'rm -r /h; mkdir -p /h/all /h/up/victim; echo evil >/h/all/secret; echo evil >/h/up/victim/file; echo evil >/h/secret');
  t.regex(await failure(copyOut(container, '/h/.', join(out, 'h'))), /^ERR_TSRUN_COPY: entry '(?:all|up).*' of the copy: /);
  await copyOut(container, '/h/secret', join(out, 'h'));
  t.false(lstatSync(join(out, 'h/secret')).isSymbolicLink(), 'the link is replaced');
  symlinkSync(join(outside, 'secret'), join(out, 'direct'));
  await copyOut(container, '/h/secret', join(out, 'direct'));
  symlinkSync(join(outside, 'new'), join(out, 'dangling'));
  await copyOut(container, '/h/secret', join(out, 'dangling'));
  t.deepEqual(Object.entries(readTree(outside, { times: false })).map(([name, { size }]) => [name, size ?? 0]), [['.', 0], ['secret', 7], ['victim', 0], ['victim/file', 5]]);
  t.is(readFileSync(join(outside, 'secret'), 'utf8'), 'secret\n');
  // Writes into the container where its links would lead on the host.
  await inner(container, `rm -rf /h; mkdir -p /h${outside}; ln -s ${outside} /h/all; ln -s /..${outside}/planted /h/file; mkdir -p ${outside}`);
  const source = hostFolder('echo copied >planted');
  await copyIn(container, `${source}/planted`, '/h/all');
  await copyIn(container, `${source}/planted`, '/h/file');
  t.is(await inner(container, `cat ${outside}/planted`), 'copied\n', 'it lies in the container');
  t.false(existsSync(join(outside, 'planted')));
  spawnSync('sh', ['-c', `cp ${source}/planted ${out}/h/all/ 2>/dev/null; ls ${outside}`]);
  await container[Symbol.asyncDispose]();
});

test('a container that changes its tree all the time leads nothing out of it', async (t) => {
  const outside = hostFolder('echo secret >f; mkdir d');
  const container = await lab.start({ command: ['sh', '-c', `mkdir -p /r/d ${outside}/d; cd /r; while :; do rm -rf d; ln -s ${outside} d; rm d; mkdir d; echo inner >d/f; done`], stdout: 'ignore', stderr: 'ignore' });
  const source = hostFolder('mkdir s; echo copied >s/f; echo copied >s/planted');
  let copied = 0;
  for (let round = 0; round < 60; round++) {
    const out = hostFolder();
    if (!/^ERR/.test(await failure(copyIn(container, `${source}/s/.`, '/r/d')))) copied++;
    await failure(copyOut(container, '/r/d/f', out, { followLink: true }));
    await failure(copyOut(container, '/r', out));
    t.false(spawnSync('grep', ['-rs', 'secret', out]).status === 0);
    rmSync(out, { recursive: true });
  }
  t.log(`${copied} of 60 were copied in`);
  t.deepEqual(readNames(outside), ['d/', 'f']);
  t.is(readFileSync(join(outside, 'f'), 'utf8'), 'secret\n');
  await container[Symbol.asyncDispose]();
});

test('a large file is streamed: what is copied is never in this process\'s memory', async (t) => {
  const container = await lab.idle({ rootBytes: '400m' });
  const source = hostFolder('head -c 150000000 /dev/urandom >large');
  const told: number[] = [];
  global.gc?.();
  const before = process.memoryUsage();
  let most = 0;
  const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().rss); }, 20);
  t.deepEqual(await copyIn(container, `${source}/large`, '/large', { onProgress: (bytes) => { told.push(bytes); } }), { entries: 1, bytes: 150_000_000 });
  const hash = execFileSync('sha256sum', [`${source}/large`], { encoding: 'utf8' }).slice(0, 64);
  t.regex(await inner(container, 'busybox sha256sum /large'), new RegExp(`^${hash}`));
  const slow = new Writable({ highWaterMark: 1, write(_chunk, _encoding, done) { setTimeout(done, 1); } });
  t.true((await copyOut(container, '/large', slow)).bytes > 150_000_000);
  clearInterval(watch);
  t.true(most - before.rss < 100_000_000, `${most - before.rss} bytes more`);
  t.true(told.length > 3 && told.every((bytes, index) => bytes >= (told[index - 1] ?? 0)), 'progress is told');
  await container[Symbol.asyncDispose]();
});

test('a copy is given up, and what is full says so', async (t) => {
  const container = await lab.idle({ rootBytes: '8m', mounts: [{ type: 'tmpfs', destination: '/ro', options: ['ro'] }] });
  const source = hostFolder('head -c 30000000 /dev/zero | tr "\\0" x >large; echo 1 >small; mkdir hosts');
  t.regex(await failure(copyIn(container, `${source}/large`, '/')), /^ERR_TSRUN_COPY: entry 'large' of the copy: write in the container: ENOSPC$/);
  t.regex(await failure(copyIn(container, `${source}/small`, '/ro')), /^ERR_TSRUN_COPY: entry 'small' of the copy: openat in the container: EROFS$/);
  t.regex(await failure(copyIn(container, `${source}/small`, '/etc/hosts')), /^\{|EBUSY/);
  t.regex(await failure(copyIn(container, `${source}/hosts`, '/etc')), /^ERR_TSRUN_COPY: entry 'hosts' of the copy: there is a file in the place of the folder$/);
  await inner(container, 'rm -f /large; mkdir -p /x/small');
  t.regex(await failure(copyIn(container, `${source}/small`, '/x')), /^ERR_TSRUN_COPY: entry 'small' of the copy: there is a folder in its place$/);
  t.regex(await failure(copyIn(container, source, '/x', { signal: AbortSignal.abort() })), /^ERR_TSRUN_ABORTED/);
  const stop = new AbortController();
  const endless = new Readable({ read() { this.push(Buffer.alloc(65536)); } });
  const unpacking = failure(copyIn(container, endless, '/x', { signal: stop.signal }));
  const slow = new Writable({ write(_chunk, _encoding, done) { setTimeout(done, 60_000).unref(); } });
  const packing = failure(copyOut(container, '/bin/busybox', slow, { signal: stop.signal }));
  await delay(500);
  stop.abort();
  t.regex(await unpacking, /^ERR_TSRUN_(?:ABORTED|COPY)/);
  t.regex(await packing, /^ERR_TSRUN_ABORTED/);
  const broken = new Writable({ write(_chunk, _encoding, done) { done(new Error('full')); } });
  await t.throwsAsync(copyOut(container, '/bin/busybox', broken), { message: 'full' });
  for (const [source_, destination] of [['', '/x'], ['/x\0', '/x'], ['/x', '']] as const) t.regex(await failure(copyIn(container, source_, destination)), /^ERR_TSRUN_INVALID_ARGUMENT/);
  t.regex(await failure(copyIn('none', source, '/x')), /^ERR_TSRUN_NOT_FOUND/);
  await container[Symbol.asyncDispose]();
});

test('volumes are copied with what they lie in, and into; what the kernel shows is not', async (t) => {
  const volume = hostFolder('mkdir sub; echo v >sub/file');
  const container = await lab.idle({ mounts: [{ type: 'bind', source: volume, destination: '/data/volume', options: ['idmap'] }] });
  const out = hostFolder();
  await copyOut(container, '/data', out);
  t.deepEqual(readNames(out), ['data/', 'data/volume/', 'data/volume/sub/', 'data/volume/sub/file']);
  await copyIn(container, `${out}/data`, '/');
  const source = hostFolder('mkdir -p data/volume/sub; echo new >data/volume/sub/new');
  await copyIn(container, `${source}/data`, '/');
  t.is(readFileSync(join(volume, 'sub/new'), 'utf8'), 'new\n');
  const names = namesIn(await packed(container, '/'));
  t.true(names.includes('./data/volume/sub/new'));
  t.deepEqual(names.filter((name) => /^\.\/(?:proc|sys)\/./.test(name)), []);
  await container[Symbol.asyncDispose]();
});

test('one that is paused, one that has ended, and many copies at once', async (t) => {
  const runtime = await lab.runtime();
  const live = await lab.idle();
  const source = hostFolder('mkdir s; echo 1 >s/f');
  await live.pause();
  await copyIn(live.id, `${source}/s`, '/while-paused');
  t.deepEqual(namesIn(await packed(live, '/while-paused')), ['while-paused/', 'while-paused/f']);
  await live.resume();
  const left = await ended('mkdir /made; echo made >/made/file; busybox chown 7:8 /made/file', { mounts: [{ type: 'bind', source, destination: '/data' }] });
  await Promise.all([live, left].flatMap((container) => Array.from({ length: 6 }, async (_, index) => copyIn(container.id, `${source}/s`, `/many${index}`))));
  for (const { id } of [live, left]) t.deepEqual(namesIn(await packed(id, '/')).filter((name) => name.startsWith('./many') && name.endsWith('f')).length, 6);
  const out = hostFolder();
  await copyOut(left.id, '/made/.', out, { archive: true });
  t.like(readTree(out), { file: { owner: '7:8', size: 5 } });
  await copyIn(left.id, `${source}/s/f`, '/made/file');
  t.regex(await failure(copyOut(left.id, '/data/s', out)), /^ERR_TSRUN_COPY: '\/data' was a mount of the container '.*', which has ended$/);
  t.is(execFileSync('tar', ['-xOf', '-'], { input: await packed(left.id, '/made/file'), encoding: 'utf8' }), '1\n');
  t.deepEqual(runtime.list().filter(({ id }) => id.startsWith('archive.')), []);
  runtime.remove(left.id);
  await live[Symbol.asyncDispose]();
});

test('of another process\'s container as of one\'s own', async (t) => {
  const { Runtime } = await import('../../src/index.js');
  const live = await lab.idle();
  await using other = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const source = hostFolder('echo 1 >f; mkdir out');
  for (let round = 0; round < 3; round++) await other.copyIn(live.id, `${source}/f`, '/f');
  await other.copyOut(live.id, '/f', `${source}/out`);
  t.is(readFileSync(join(source, 'out/f'), 'utf8'), '1\n');
  t.is(live.state, 'running', 'whose owner stays its owner');
  await live[Symbol.asyncDispose]();
});


lab.declareLeakTest();
