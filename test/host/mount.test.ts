// Images and containers mounted on the host: what is seen there, what nobody can do there, and that it goes, and counts, as it should.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, TsrunError } from '../../src/index.js';
import { packFolder, writeLayout, type Layout } from '../support/image-layouts.js';
import { Lab, outcome } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';
import { makeLayer, type MadeLayer } from '../support/store-lab.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);
const here = needs('root', 'overlay', 'userns');

let busybox: MadeLayer | undefined;
let images = 0;

async function imported(...layers: readonly MadeLayer[]): Promise<{ readonly name: string; readonly layout: Layout }> {
  busybox ??= packFolder(lab.image);
  const layout = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [busybox, ...layers], { Cmd: ['sleep', '1000'] });
  const name = `mounted:${images++}`;
  await (await lab.runtime()).images.import(layout.path, { name }).done;
  return { name, layout };
}

function optionsOf(path: string): string[] {
  const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((each) => each.split(' ')[4] === path);
  return line?.split(' ')[5]?.split(',') ?? [];
}

here('an image of the store: merged, with the owners and modes of the image, read-only, without devices and set-id bits', async (t) => {
  const tree = mkdtempSync(join(lab.scratch, 'tree-'));
  for (const folder of ['home', 'srv']) mkdirSync(join(tree, folder));
  writeFileSync(join(tree, 'srv/owned'), 'owned');
  lchownSync(join(tree, 'srv/owned'), 1000, 70_000);
  writeFileSync(join(tree, 'srv/.wh.none'), '');
  const { name, layout } = await imported(makeLayer({ 'etc/hosts': 'lower', 'etc/.wh.group': '' }), packFolder(tree), makeLayer({ 'etc/hosts': 'top' }));
  const { mounts } = await lab.runtime();
  const mount = await mounts.image(name);
  t.true(mount.path.startsWith(join(lab.stateRoot, 'mounts/')));
  t.is(readFileSync(join(mount.path, 'etc/hosts'), 'utf8'), 'top');
  t.false(existsSync(join(mount.path, 'etc/group')));
  t.true(existsSync(join(mount.path, 'bin/busybox')));
  const { uid, gid } = lstatSync(join(mount.path, 'srv/owned'));
  t.deepEqual([uid, gid], [1000, 70_000]);
  t.throws(() => { writeFileSync(join(mount.path, 'new'), ''); }, { code: 'EROFS' });
  for (const option of ['ro', 'nosuid', 'nodev']) t.true(optionsOf(mount.path).includes(option), option);
  t.deepEqual(mounts.list(), [{ id: mount.id, kind: 'image', name, digest: layout.image.manifest.descriptor.digest, path: mount.path, createdAtMs: mount.createdAtMs }]);
  await mount.unmount();
  await mount.unmount();
  t.false(existsSync(mount.path));
  t.deepEqual(mounts.list(), []);
  await t.throwsAsync(mounts.unmount(mount.path), { code: 'ERR_TSRUN_NOT_FOUND' });
});

here('of one layer, of sixty, and with the layers attached by names, as kernels before 6.15 want it', async (t) => {
  const runtime = await lab.runtime();
  const { name: one } = await imported();
  const { name: many } = await imported(...Array.from({ length: 60 }, (_, index) => makeLayer({ [`srv/${index}`]: String(index), 'srv/last': String(index) })));
  const supports: { overlayLayerFds: boolean } = runtime.host.supports;
  const { overlayLayerFds } = supports;
  t.teardown(() => { supports.overlayLayerFds = overlayLayerFds; });
  for (const [name, byDescriptor] of [[one, overlayLayerFds], [many, overlayLayerFds], [one, false], [many, false]] as const) {
    supports.overlayLayerFds = byDescriptor;
    await using mount = await runtime.mounts.image(name);
    t.is(readFileSync(join(mount.path, 'etc/passwd'), 'utf8'), readFileSync(join(lab.image, 'etc/passwd'), 'utf8'));
    if (name === one) t.is(statSync(mount.path).mode & 0o7777, statSync(lab.image).mode & 0o7777, 'of the root too');
    if (name !== many) continue;
    t.is(readFileSync(join(mount.path, 'srv/last'), 'utf8'), '59');
    t.is(readdirSync(join(mount.path, 'srv')).length, 61);
  }
});

here('at a folder of the caller\'s, which stays; what is none is refused before anything is done', async (t) => {
  const { name } = await imported();
  const { mounts } = await lab.runtime();
  const real = mkdtempSync(join(lab.scratch, 'a b\\c-'));
  const link = `${real}-link`;
  symlinkSync(real, link);
  for (const target of [link, `${link}/`]) await t.throwsAsync(mounts.image(name, { target }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /is a link to/ });
  const mount = await mounts.image(name, { target: real });
  t.is(mount.path, real);
  await t.throwsAsync(mounts.image(name, { target: `${real}/` }), { code: 'ERR_TSRUN_STATE', message: /is mounted at '.*' already/ });
  t.is(mounts.list().length, 1);
  t.true(existsSync(join(real, 'bin')));
  t.is(mounts.list()[0]?.path, real, 'also with a blank and a backslash in its name');
  await mounts.unmount(link);
  t.deepEqual(readdirSync(real), []);
  const file = join(lab.scratch, 'file');
  writeFileSync(file, '');
  for (const target of [file, join(lab.scratch, 'none'), '']) await t.throwsAsync(mounts.image(name, { target }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }, target);
  const wrong: object = { read: true };
  await t.throwsAsync(mounts.image(name, wrong), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await t.throwsAsync(mounts.image('none:1'), { code: 'ERR_TSRUN_IMAGE' });
  t.deepEqual(readdirSync(join(lab.stateRoot, 'mounts')), []);
});

here('links of an image lead nowhere when it is asked for, and mounting itself follows none', async (t) => {
  const tree = mkdtempSync(join(lab.scratch, 'hostile-'));
  const secret = join(lab.scratch, 'secret');
  writeFileSync(secret, 'of the host');
  symlinkSync(secret, join(tree, 'absolute'));
  symlinkSync('../'.repeat(30) + secret.slice(1), join(tree, 'relative'));
  symlinkSync('/', join(tree, 'srv'));
  const { name } = await imported(packFolder(tree));
  const { mounts } = await lab.runtime();
  await using closed = await mounts.image(name, { followLinks: false });
  for (const path of ['absolute', 'relative', 'srv/etc/passwd']) t.throws(() => readFileSync(join(closed.path, path)), { code: 'ELOOP' }, path);
  t.is(readlinkSync(join(closed.path, 'absolute')), secret);
  await using open = await mounts.image(name);
  t.is(readFileSync(join(open.path, 'absolute'), 'utf8'), 'of the host', 'control');
});

here('what is mounted counts as used: rmi and prune leave its layers, and take them when it is unmounted', async (t) => {
  const { name, layout } = await imported(makeLayer({ 'srv/only': 'here' }));
  const { mounts, images: library } = await lab.runtime();
  const layer = join(lab.imageRoot, 'layers', layout.image.layers[1]?.diffId.slice(7) ?? '');
  const mount = await mounts.image(name);
  await library.remove(name, { force: true });
  await library.prune({ all: true });
  t.is(readFileSync(join(mount.path, 'srv/only'), 'utf8'), 'here');
  t.true(existsSync(layer));
  await mount.unmount();
  await library.prune({ all: true });
  t.false(existsSync(layer));
});

here('a live container: as it changes, also after its end, and never to be written to', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle({ mounts: [{ type: 'tmpfs', destination: '/mnt' }] });
  const mount = await runtime.mounts.container(container.id);
  await outcome(await runtime.exec(container, { command: ['sh', '-c', 'echo new > /root/file; echo hidden > /mnt/file; ln -s /etc /etc/link'] }));
  t.is(readFileSync(join(mount.path, 'root/file'), 'utf8'), 'new\n');
  t.deepEqual(readdirSync(join(mount.path, 'mnt')), [], 'its own mounts are not shown');
  t.throws(() => { writeFileSync(join(mount.path, 'new'), ''); }, { code: 'EROFS' });
  t.is((await outcome(await runtime.exec(container, { command: ['touch', '/still-writable'] }))).status.code, 0);
  t.deepEqual(runtime.mounts.list().map(({ kind, name }) => [kind, name]), [['container', container.id]]);
  await container.killAll();
  await container.exited;
  t.is(readFileSync(join(mount.path, 'root/file'), 'utf8'), 'new\n');
  await mount.unmount();
});

here('a container that has covered its root does not lead out of it', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle({ privileged: true, namespaces: { user: 'new' } });
  await outcome(await runtime.exec(container, { privileged: true, command: ['sh', '-c', 'mount -t tmpfs none /root; echo in > /root/in; mount --bind /root /'] }));
  await using mount = await runtime.mounts.container(container.id);
  t.true(['in', 'bin'].some((name) => readdirSync(mount.path).includes(name)), readdirSync(mount.path).join());
  t.false(existsSync(join(mount.path, lab.scratch)));
  await container.killAll();
  await container.exited;
});

here('one that has ended: what it left on disk, or its folder; what was in memory is gone', async (t) => {
  const runtime = await lab.runtime();
  const layers = makeLayers(lab.scratch, 3);
  cpSync(lab.image, layers.at(-1) ?? '', { recursive: true, verbatimSymlinks: true });
  const name = nameLayers('left', layers);
  const container = await lab.start({ command: ['sh', '-c', 'echo new > /root/file; rm /etc/group; rm -r /home; mkdir /home'], rootStorage: 'disk', autoRemove: false }, name);
  await container.exited;
  const mount = await runtime.mounts.container(container.id);
  t.is(readFileSync(join(mount.path, 'root/file'), 'utf8'), 'new\n');
  t.deepEqual(readdirSync(join(mount.path, 'home')), []);
  t.false(existsSync(join(mount.path, 'etc/group')));
  t.is(lstatSync(join(mount.path, 'root/file')).uid, lstatSync(join(mount.path, 'etc/passwd')).uid, 'all as the host counts');
  const error = t.throws(() => { runtime.remove(container.id); }, { code: 'ERR_TSRUN_STATE', message: /is mounted at/ });
  t.regex(TsrunError.is(error) ? (error.hint ?? '') : '', /tsrun unmount/);
  await mount.unmount();
  runtime.remove(container.id);
  const gone = await lab.start({ command: ['true'], autoRemove: false });
  await gone.exited;
  await t.throwsAsync(runtime.mounts.container(gone.id), { code: 'ERR_TSRUN_STATE', message: /in memory/ });
  runtime.remove(gone.id);
  const folder = mkdtempSync(join(lab.scratch, 'writable-'));
  cpSync(lab.image, folder, { recursive: true, verbatimSymlinks: true });
  const written = await lab.start({ command: ['touch', '/root/written'], root: 'writable', autoRemove: false }, folder);
  await written.exited;
  await using again = await runtime.mounts.container(written.id);
  t.deepEqual(readdirSync(join(again.path, 'root')), ['written']);
  runtime.remove(written.id);
  await t.throwsAsync(runtime.mounts.container('none'), { code: 'ERR_TSRUN_NOT_FOUND' });
});

here('who uses it keeps it from being unmounted, unless by force', async (t) => {
  const { name } = await imported();
  const { mounts } = await lab.runtime();
  const mount = await mounts.image(name);
  const child = spawn('sleep', ['1000'], { cwd: mount.path, stdio: 'ignore' });
  await once(child, 'spawn');
  await t.throwsAsync(mount.unmount(), { code: 'ERR_TSRUN_STATE', message: /in use/ });
  t.is(mounts.list().length, 1);
  await mount.unmount({ force: true });
  t.deepEqual(mounts.list(), []);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

here('what is mounted over it is not taken for it', async (t) => {
  const { name } = await imported();
  const { mounts } = await lab.runtime();
  const mount = await mounts.image(name);
  spawnSync('mount', ['-t', 'tmpfs', 'none', mount.path]);
  await t.throwsAsync(mount.unmount({ force: true }), { code: 'ERR_TSRUN_STATE', message: /something else/ });
  spawnSync('umount', [mount.path]);
  await mount.unmount();
});

here('one that somebody else has unmounted is forgotten, as is one whose maker was killed before it stood', async (t) => {
  const { name } = await imported();
  const runtime = await lab.runtime();
  const mount = await runtime.mounts.image(name);
  spawnSync('umount', [mount.path]);
  t.deepEqual(runtime.mounts.list(), []);
  const folder = join(lab.stateRoot, 'mounts');
  const record = readFileSync(join(folder, `${mount.id}.json`), 'utf8');
  const unfinished = { ...(JSON.parse(record) as Readonly<Record<string, unknown>>), mountId: undefined };
  mkdirSync(join(folder, 'killed'));
  writeFileSync(join(folder, 'killed.json'), JSON.stringify({ ...unfinished, id: 'killed', path: join(folder, 'killed') }));
  writeFileSync(join(folder, 'boot.json'), JSON.stringify({ ...unfinished, id: 'boot', bootId: 'another', path: '/' }));
  writeFileSync(join(folder, 'namespace.json'), JSON.stringify({ ...unfinished, id: 'namespace', namespace: 'mnt:[1]', path: '/' }));
  writeFileSync(join(folder, '.killed-earlier'), '{');
  await runtime.gc();
  t.deepEqual(readdirSync(folder), []);
  await mount.unmount();
});

here('a record that is damaged keeps nothing from being started, but layers from being removed', async (t) => {
  const { name } = await imported();
  const runtime = await lab.runtime();
  const folder = join(lab.stateRoot, 'mounts');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'damaged.json'), '{"version":9}');
  await runtime.gc();
  t.is((await lab.run({ command: ['true'] })).status.code, 0);
  t.throws(() => runtime.mounts.list(), { code: 'ERR_TSRUN_STATE', message: /damaged/ });
  await t.throwsAsync(runtime.images.prune({ all: true }), { code: 'ERR_TSRUN_STATE' });
  rmSync(join(folder, 'damaged.json'));
  await runtime.images.remove(name);
});

here('a container of another launcher, and one without a root of its own', async (t) => {
  const owner = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const container = await owner.run(lab.image, { id: lab.newId(), command: ['sleep', '1000'] });
  const runtime = await lab.runtime();
  const mount = await runtime.mounts.container(container.id);
  t.true(existsSync(join(mount.path, 'bin/busybox')));
  await owner.close();
  await mount.unmount();
  const shared = await lab.start({ command: ['sleep', '1000'], namespaces: { mount: 'host' } }, '/');
  await t.throwsAsync(runtime.mounts.container(shared.id), { code: 'ERR_TSRUN_UNSUPPORTED' });
  await shared.killAll();
  await shared.exited;
  await runtime.gc();
});

needs(...userNeeds)('an ordinary user is told what to do instead', async (t) => {
  const [reply] = await users.ask({ do: 'mount' });
  t.is(reply?.error?.code, 'ERR_TSRUN_UNSUPPORTED', JSON.stringify(reply));
  t.regex(reply?.error?.hint ?? '', /tsrun run/);
});

users.declareLeakTests();
