// Roots of several layers: what an overlay shows of them, whose files are, how many there may be, and that they never change.
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TsrunError } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
let names = 0;

/** The busybox image as the lowest of so many layers of a store; topmost first. */
function layersOver(count: number): string[] {
  const layers = makeLayers(lab.scratch, count);
  const lowest = layers.at(-1) ?? '';
  cpSync(makeImage(lab), lowest, { recursive: true, verbatimSymlinks: true });
  return layers;
}

function put(layer: string | undefined, path: string, content = ''): void {
  const file = join(layer ?? '', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function run(tool: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function whiteOut(layer: string | undefined, path: string): void {
  const file = join(layer ?? '', path);
  mkdirSync(dirname(file), { recursive: true });
  run('mknod', [file, 'c', '0', '0']);
}

function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const { mode, uid, gid, nlink, mtimeMs, ctimeMs } = lstatSync(path);
    return `${path} ${mode} ${uid} ${gid} ${nlink} ${mtimeMs} ${ctimeMs}`;
  }).sort();
}

function named(layers: readonly string[]): string {
  return nameLayers(`layers-${names++}`, layers);
}

here('the topmost layer that has a file shows it; whiteouts, opaque folders and kinds that changed hide what is below', async (t) => {
  const [top, middle, lower, base] = layersOver(4);
  put(base, 'srv/kept', 'base');
  put(base, 'srv/changed', 'base');
  put(base, 'srv/removed', 'base');
  put(base, 'opaque/old', 'base');
  put(base, 'folder/inner', 'base');
  put(base, 'file', 'base');
  whiteOut(lower, 'srv/removed');
  put(lower, 'srv/changed', 'lower');
  put(middle, 'srv/changed', 'middle');
  put(middle, 'opaque/new', 'middle');
  run('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(middle ?? '', 'opaque')]);
  put(top, 'folder', 'a file');
  put(top, 'file/inner', 'a folder');
  symlinkSync('/srv/kept', join(top ?? '', 'link'));
  const { stdout, stderr } = await lab.sh('cat /srv/kept /srv/changed /folder /file/inner /link; echo; ls /srv /opaque', {}, named([top, middle, lower, base].map((layer) => layer ?? '')));
  t.is(stdout, 'basemiddlea filea folderbase\n/opaque:\nnew\n\n/srv:\nchanged\nkept\n', stderr);
});

here('files of every layer have the owners inside that they have outside, and none changes', async (t) => {
  const layers = layersOver(3);
  for (const [index, layer] of layers.entries()) {
    put(layer, `owned/${index}`, 'x');
    chownSync(join(layer, `owned/${index}`), 1000 + index, 2000 + index);
    symlinkSync('x', join(layer, `owned/link${index}`));
    lchownSync(join(layer, `owned/link${index}`), 1000, 2000);
  }
  const before = layers.map(listing);
  const { stdout, stderr } = await lab.sh('stat -c "%u:%g" /owned/*; echo new >>/owned/2; rm /owned/0; ln -s y /owned/y; chmod 777 /bin 2>&1; rm -r /etc; mkdir /etc /owned/d; busybox chown 5:5 /owned/1; echo done', {}, named(layers));
  t.is(stdout.split('\n').slice(0, 6).join(' '), '1000:2000 1001:2001 1002:2002 1000:2000 1000:2000 1000:2000', stderr);
  t.regex(stdout, /done\n$/);
  t.deepEqual(layers.map(listing), before);
});

for (const count of [2, 60, 128, 500]) {
  here(`${count} layers are one root`, async (t) => {
    const layers = layersOver(count);
    for (const [index, layer] of layers.entries()) put(layer, `all/${index}`);
    const { stdout, stderr } = await lab.sh('ls /all | wc -l; touch /all/x /bin/x && mkdir /proc/1/x 2>/dev/null; ls / | grep -c "^proc$"', {}, named(layers));
    t.is(stdout, `${count}\n1\n`, stderr);
  });
}

here('more layers than overlayfs takes are an error that says so', async (t) => {
  const error = await t.throwsAsync(lab.sh('true', {}, named(layersOver(501))), { instanceOf: TsrunError });
  t.like(error, { code: 'ERR_TSRUN_UNSUPPORTED', message: '501 layers are more than the 500 that overlayfs takes', field: 'extensions.lowerLayers' });
});

here('layers of several stores and a folder elsewhere, one of them twice, make one root', async (t) => {
  const [app, other] = makeLayers(lab.scratch, 2);
  const [library] = makeLayers(lab.scratch, 1);
  const stack = makeImage(lab, { files: { 'etc/from': 'stack' } });
  put(app, 'etc/from', 'app');
  put(other, 'other', 'x');
  put(library, 'library', 'x');
  const layers = [app, stack, library, other, app].map((layer) => layer ?? '');
  const { stdout, stderr } = await lab.sh('cat /etc/from; echo; ls -d /other /library /bin', {}, named(layers));
  t.is(stdout, 'app\n/bin\n/library\n/other\n', stderr);
});

here('names that mean something to overlayfs', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'odd-'));
  const odd = [`a:b`, 'c,d', 'e\\f', 'g h', `long${'x'.repeat(200)}`].map((name) => join(folder, name, 'diff'));
  for (const layer of odd) put(layer, `odd/${odd.indexOf(layer)}`);
  const { stdout, stderr } = await lab.sh('ls /odd | wc -l', {}, named([...odd, ...layersOver(1)]));
  t.is(stdout, '5\n', stderr);
});

here('a layer that is a mount of its own is never taken for what it covers', async (t) => {
  const layers = layersOver(3);
  const mounted = mkdtempSync(join(lab.scratch, 'mounted-'));
  put(mounted, 'mounted', 'yes');
  run('mount', ['--bind', mounted, layers[1] ?? '']);
  try {
    const outcome = await lab.sh('cat /mounted', {}, named(layers)).catch((error: unknown) => error);
    if (outcome instanceof TsrunError) t.regex(outcome.message, /one of the layers is a mount of its own/, 'from Linux 6.15 on');
    else t.like(outcome, { stdout: 'yes' });
  } finally {
    run('umount', [layers[1] ?? '']);
  }
});

here('no layer can be written to for good, and a read-only root takes no write', async (t) => {
  const image = named(layersOver(2));
  const error = await t.throwsAsync(lab.sh('true', { root: 'writable' }, image), { instanceOf: TsrunError });
  t.is(error.hint, 'leave --writable out: a disposable root takes writes as well');
  const { stdout } = await lab.sh('touch /x 2>&1; ls -d /proc', { root: 'read-only' }, image);
  t.regex(stdout, /Read-only file system\n\/proc\n$/);
});

here('a layer that is missing is named', async (t) => {
  const layers = layersOver(3);
  const gone = join(dirname(layers[1] ?? ''), 'gone');
  const error = await t.throwsAsync(lab.sh('true', {}, named([layers[0] ?? '', gone, layers[2] ?? ''])), { instanceOf: TsrunError });
  t.true(error.message.includes(gone), error.message);
  t.truthy(error.hint);
});

here('the record and the plan name the layers', async (t) => {
  const layers = layersOver(3);
  const container = await lab.idle({}, named(layers));
  t.is(container.record.rootPath, layers[0] ?? '');
  t.deepEqual(container.record.extensions.lowerLayers, layers.slice(1));
  t.false(readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8').includes('/scratch'));
  await container[Symbol.asyncDispose]();
});

lab.declareLeakTest();
