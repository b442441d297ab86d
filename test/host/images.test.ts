// Images of the store as containers: from a file, by name, on a stack; and what is not removed while they run.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain, type Container, type ImageProgress, type RunOptions } from '../../src/index.js';
import { makeLayer, type MadeLayer } from '../support/store-lab.js';
import { packFolder, writeLayout, type Layout } from '../support/image-layouts.js';
import { Lab, outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'overlay', 'userns');

let busybox: MadeLayer | undefined;

/** A busybox below a file of its own: another image each time, on the same lower layer. */
function makeLayout(content: string, config: Parameters<typeof writeLayout>[2] = { Cmd: ['cat', '/content'] }): Layout {
  busybox ??= packFolder(lab.image);
  return writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [busybox, makeLayer({ content })], config);
}

function isThere(folder: string, digest: string): boolean {
  return existsSync(join(lab.imageRoot, folder, digest.slice('sha256:'.length)));
}

async function run(reference: string, options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, status } = await outcome(await (await lab.runtime()).run(reference, { id: lab.newId(), ...options }));
  return status.code === 0 ? stdout : `${status.code} ${stderr}`;
}

here('a layout is unpacked for the first start, and not again', async (t) => {
  const { path, image } = makeLayout('first');
  const stages: ImageProgress[] = [];
  const onImageProgress = (progress: ImageProgress) => { stages.push(progress); };
  const runtime = await lab.runtime();
  const container = await runtime.run(path, { id: lab.newId(), onImageProgress });
  t.is((await outcome(container)).stdout, 'first');
  t.is(container.record.imageDigest, image.manifest.descriptor.digest);
  const [base, top] = image.layers;
  t.is(container.record.rootPath, join(lab.imageRoot, 'layers', top?.diffId.slice(7) ?? '', 'diff'));
  t.deepEqual(container.record.extensions.lowerLayers, [join(lab.imageRoot, 'layers', base?.diffId.slice(7) ?? '', 'diff')]);
  t.true(stages.some(({ stage }) => stage === 'unpacking') && stages.some(({ stage }) => stage === 'fetching'));
  stages.length = 0;
  t.is(await run(path, { onImageProgress }), 'first');
  t.is(await run(`oci:${path}`, { onImageProgress }), 'first');
  t.deepEqual(stages.filter(({ stage }) => stage === 'fetching'), []);
  t.deepEqual((await runtime.images.list()).map(({ names }) => names), [[]], 'what is run from a file takes nobody\'s name');
});

here('another image at the same place is found', async (t) => {
  const { path } = makeLayout('before');
  t.is(await run(path), 'before');
  busybox ??= packFolder(lab.image);
  writeLayout(path, [busybox, makeLayer({ content: 'after' })], { Cmd: ['cat', '/content'] });
  t.is(await run(path), 'after');
});

here('an image is imported under a name, and run by it, by its digest and by digits of that', async (t) => {
  const { path, image } = makeLayout('named');
  const { images } = await lab.runtime();
  const [summary] = await images.import(path, { name: 'app:1' }).done;
  const { digest } = image.manifest.descriptor;
  t.like(summary, { digest, names: ['docker.io/library/app:1'], layers: 2 });
  for (const reference of ['app:1', 'docker.io/library/app:1', digest, digest.slice(7, 19)]) t.is(await run(reference, { pull: 'never' }), 'named', reference);
  await images.tag('app:1', 'host:5000/team/app:2');
  t.deepEqual((await images.inspect('app:1')).names, ['docker.io/library/app:1', 'host:5000/team/app:2']);
  const { layerDetails, config } = await images.inspect(digest.slice(7, 19));
  t.deepEqual(layerDetails.map(({ diffId }) => diffId), image.layers.map(({ diffId }) => diffId));
  t.deepEqual(config, image.config.value);
  t.deepEqual((await images.changes('app:1')).layers[1]?.changes.filter(({ kind }) => kind === 'added').map((change) => change.path), ['/content']);
  t.deepEqual(await images.remove('app:1'), { untagged: ['docker.io/library/app:1'], removed: [], freedBytes: 0 });
  await t.throwsAsync(run('app:1', { pull: 'never' }), { code: 'ERR_TSRUN_IMAGE', message: /no image 'app:1' in the store/ });
  t.deepEqual((await images.remove(digest)).removed, [digest]);
  t.false(isThere('layers', image.layers[1]?.diffId ?? ''));
});

here('what a reference means is resolved, and is there for the start', async (t) => {
  const { path, image } = makeLayout('resolved');
  const { images } = await lab.runtime();
  const { digest } = image.manifest.descriptor;
  const work = images.resolve(path);
  const stages = new Set<string>();
  for await (const { stage } of work) stages.add(stage);
  t.like(await work.done, { digest, layers: 2, names: [] });
  t.true(stages.has('unpacking'));
  t.true(image.layers.every(({ diffId }) => isThere('layers', diffId)));
  t.is(await run(path, { pull: 'never' }), 'resolved');
  t.like(await images.resolve(digest.slice(7, 19), { pull: 'never' }).done, { digest });
  await t.throwsAsync(images.resolve('no/such:1', { pull: 'never' }).done, { code: 'ERR_TSRUN_IMAGE' });
  await t.throwsAsync(images.resolve(lab.image).done, { code: 'ERR_TSRUN_IMAGE', message: /is not packed/ });
  await t.throwsAsync(images.resolve(path, { signal: AbortSignal.abort() }).done, { code: 'ERR_TSRUN_ABORTED' });
  t.throws(() => images.resolve(path, { platform: 'linux/' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await t.throwsAsync(images.resolve(path, { platform: 'none' }).done, { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: "'none' is not a platform" });
});

here('a slug needs a stack, and a program', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'slug-'));
  mkdirSync(join(folder, 'app'));
  writeFileSync(join(folder, 'app/file'), '');
  const slug = join(folder, 'slug.tgz');
  t.is(spawnSync('tar', ['-czf', slug, './app'], { cwd: folder }).status, 0);
  await t.throwsAsync(run(`slug:${slug}`, { command: ['true'] }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /is an app alone/ });
  await t.throwsAsync(run(`slug:${slug}`, { stack: lab.image }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /no command to run/ });
});

here('for a look nothing is fetched or unpacked', async (t) => {
  const { path, image } = makeLayout('looked at');
  const runtime = await lab.runtime();
  const where = { imageRoot: lab.imageRoot };
  for (const look of [async () => runtime.plan(path), async () => explain(path, {}, where)]) await t.throwsAsync(look(), { code: 'ERR_TSRUN_IMAGE', message: /was not imported yet/ });
  await t.throwsAsync(explain('no-such-image', {}, where), { code: 'ERR_TSRUN_IMAGE', message: /not fetched for a look/ });
  await t.throwsAsync(explain('no-such-image', {}, { imageRoot: join(lab.scratch, 'none') }), { code: 'ERR_TSRUN_IMAGE', message: /not fetched for a look/ });
  t.false(existsSync(join(lab.scratch, 'none')));
  t.false(isThere('layers', image.layers[1]?.diffId ?? ''));
  await runtime.images.import(path).done;
  t.is((await explain(path, {}, where)).record.imageDigest, image.manifest.descriptor.digest);
  t.true((await runtime.plan(path)).steps.length > 20);
});

here('an application on a stack: a folder, or an image', async (t) => {
  const application = makeLayer({ 'app/greeting': 'on a stack' });
  const { path } = writeLayout(join(lab.scratch, 'slug'), [application], { Cmd: ['cat', '/app/greeting'], Env: ['FROM=slug'] });
  t.is(await run(path, { stack: lab.image }), 'on a stack');
  const { images } = await lab.runtime();
  await images.import(makeLayout('below', { Cmd: ['true'], Env: ['FROM=stack', 'STACK=1'] }).path, { name: 'stack:1' }).done;
  t.is(await run(path, { stack: 'stack:1' }), 'on a stack');
  t.is(await run(path, { stack: 'stack:1', command: ['sh', '-c', 'echo $FROM $STACK; cat /content'] }), 'slug 1\nbelow');
  await t.throwsAsync(run(lab.image, { stack: 'stack:1', command: ['true'] }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /has no stack below it/ });
  await t.throwsAsync(run(path, { stack: 'stack:2', pull: 'never' }), { code: 'ERR_TSRUN_IMAGE' });
});

here('a slug is run with its checksum alone, whether it was imported before or not', async (t) => {
  const slug = join(lab.scratch, 'slug.tgz');
  const { bytes } = makeLayer({ 'app/greeting': 'the very app' });
  writeFileSync(slug, bytes);
  const right = `SHA256:${createHash('sha256').update(bytes).digest('hex')}`;
  const wrong = `SHA256:${'0'.repeat(64)}`;
  const asked = (checksum: string) => ({ checksum, stack: lab.image, entrypoint: ['cat', '/app/greeting'] });
  const refused = { code: 'ERR_TSRUN_IMAGE', message: new RegExp(`has the checksum ${right}, not ${wrong}`) };
  const { images } = await lab.runtime();
  const before = await images.list();
  await t.throwsAsync(run(`slug:${slug}`, asked(wrong)), refused);
  await t.throwsAsync(images.import(`slug:${slug}`, { checksum: wrong, name: 'very-app:1' }).done, refused);
  t.deepEqual(await images.list(), before);
  t.is(await run(`slug:${slug}`, asked(right)), 'the very app');
  await t.throwsAsync(run(`slug:${slug}`, asked(wrong)), refused);
  t.is(await run(`slug:${slug}`, asked(right.toLowerCase())), 'the very app');
  const [imported] = await images.import(`slug:${slug}`, { checksum: right, name: 'very-app:1' }).done;
  t.deepEqual(imported?.names, ['docker.io/library/very-app:1']);
  const noFile = { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /there is no checksum of/ };
  for (const other of ['very-app:1', lab.image, makeLayout('folder').path]) await t.throwsAsync(run(other, { checksum: right, command: ['true'] }), noFile, other);
  await images.remove('very-app:1');
});

here('nothing goes that a container uses, whatever is removed', async (t) => {
  const { path, image } = makeLayout('in use');
  const { images } = await lab.runtime();
  await images.import(path, { name: 'used:1' }).done;
  const container: Container = await (await lab.runtime()).run('used:1', { id: lab.newId(), command: ['sleep', '1000'], autoRemove: false });
  t.deepEqual(await images.remove('used:1', { force: true }), { untagged: ['docker.io/library/used:1'], removed: [], freedBytes: 0 });
  await images.prune({ all: true });
  for (const { diffId } of image.layers) t.true(isThere('layers', diffId));
  t.is((await outcome(await container.exec({ command: ['cat', '/content'] }))).stdout, 'in use');
  await container.stop({ graceMs: 0 });
  await images.prune({ all: true });
  t.true(isThere('layers', image.layers[1]?.diffId ?? ''), 'it is kept, and may be looked into');
  (await lab.runtime()).remove(container.record.id);
  t.true((await images.prune({ all: true })).removed.includes(image.manifest.descriptor.digest));
  t.false(isThere('layers', image.layers[1]?.diffId ?? ''));
});

here('an image beyond the limits that are given is refused, and nothing of it stays', async (t) => {
  const { path, image } = makeLayout('x'.repeat(2000));
  const { images } = await lab.runtime();
  for (const limits of [{ bytes: 1000 }, { entries: 1 }]) {
    const error = await t.throwsAsync(images.import(path, { name: 'limited:1', limits }).done, { code: 'ERR_TSRUN_IMAGE' });
    t.regex(error.message, /limit/);
  }
  t.false(isThere('layers', image.layers[1]?.diffId ?? ''));
  t.throws(() => images.import(path, { limits: { bytes: 0 } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await images.import(path, { name: 'limited:1', limits: { bytes: 100_000_000 } }).done;
  await images.remove('limited:1');
});

here('an archive that is packed as a whole is expanded within the limits, whatever packed it', async (t) => {
  const { images } = await lab.runtime();
  const { path } = makeLayout('packed as a whole');
  const archive = join(lab.scratch, 'packed.tar');
  spawnSync('tar', ['-C', path, '-cf', archive, '.']);
  const size = statSync(archive).size;
  for (const [program, suffix] of [['gzip', 'gz'], ['zstd', 'zst'], ['xz', 'xz']] as const) {
    spawnSync(program, ['-k', '-f', archive]);
    const packed = `${archive}.${suffix}`;
    const error = await t.throwsAsync(images.import(packed, { name: 'packed:1', limits: { bytes: size - 1 } }).done, { code: 'ERR_TSRUN_IMAGE' });
    t.regex(error.message, /^'.*' cannot be expanded from (gzip|zstd|xz): the archive is refused: it unpacks to more bytes than the limit allows$/);
    truncateSync(packed, 1000);
    t.regex((await t.throwsAsync(images.import(packed, { name: 'packed:1' }).done, { code: 'ERR_TSRUN_IMAGE' })).message, /cannot be expanded from/);
    spawnSync(program, ['-k', '-f', archive]);
    await images.import(packed, { name: 'packed:1' }).done;
    await images.remove('packed:1');
  }
});

here('starts beside prunes that take whatever is not used', async (t) => {
  const { path } = makeLayout('beside');
  const { images } = await lab.runtime();
  const over = new AbortController();
  const pruning = (async () => {
    let removed = 0;
    while (!over.signal.aborted) removed += (await images.prune({ all: true })).removed.length;
    return removed;
  })();
  try {
    for (let round = 0; round < 6; round++) t.deepEqual(await Promise.all(Array.from({ length: 3 }, async () => run(path))), ['beside', 'beside', 'beside'], `round ${round}`);
  } finally {
    over.abort();
  }
  t.true((await pruning) > 0, 'control: some were removed meanwhile');
});

here('what is damaged is unpacked again, or imported again', async (t) => {
  const { path, image } = makeLayout('mended');
  t.is(await run(path), 'mended');
  const { digest } = image.manifest.descriptor;
  const record = join(lab.imageRoot, 'images', `${digest.slice(7)}.json`);
  const layer = join(lab.imageRoot, 'layers', image.layers[1]?.diffId.slice(7) ?? '');
  const damages: readonly (readonly [string, () => void])[] = [
    ['a record that was cut', () => { truncateSync(record, 100); }],
    ['a layer without its report', () => { rmSync(join(layer, 'layer.json')); rewrite(record); }],
    ['a layer without its files', () => { rmSync(join(layer, 'diff'), { recursive: true }); rewrite(record); }],
    ['neither layer nor blob', () => {
      rmSync(layer, { recursive: true });
      rmSync(join(lab.imageRoot, 'blobs/sha256', image.layers[1]?.descriptor.digest.slice(7) ?? ''));
      rewrite(record);
    }],
    ['a config that is not what it was', () => { writeFileSync(join(lab.imageRoot, 'blobs/sha256', image.config.descriptor.digest.slice(7)), '{}'); rewrite(record); }],
  ];
  for (const [title, damage] of damages) {
    damage();
    t.is(await run(path), 'mended', title);
  }
});

here('a name whose record is damaged is an error, not another image from a registry', async (t) => {
  const { path, image } = makeLayout('named and damaged');
  const { images } = await lab.runtime();
  const { digest } = image.manifest.descriptor;
  await images.import(path, { name: 'damaged:1' }).done;
  appendFileSync(join(lab.imageRoot, 'images', `${digest.slice(7)}.json`), 'x');
  for (const [reference, pull] of [['damaged:1', 'missing'], ['damaged:1', 'never'], [digest, 'never'], [digest.slice(7, 19), 'missing']] as const) {
    await t.throwsAsync(run(reference, { pull }), { code: 'ERR_TSRUN_STORE', message: /of the image store is damaged: it is not what was written/ }, reference);
  }
  t.deepEqual(await images.damaged(), [{ digest, names: ['docker.io/library/damaged:1'] }]);
  await images.import(path, { name: 'damaged:1' }).done;
  t.deepEqual(await images.damaged(), []);
  t.is(await run('damaged:1', { pull: 'never' }), 'named and damaged');
});

here('an image without a name that a container uses is told of', async (t) => {
  const { path, image } = makeLayout('used', { Cmd: ['sleep', '1000'] });
  const runtime = await lab.runtime();
  const container = await runtime.run(path, { id: lab.newId() });
  const { digest } = image.manifest.descriptor;
  await t.throwsAsync(runtime.images.remove(digest), { code: 'ERR_TSRUN_STATE', message: `the image ${digest} is used by the container '${container.id}'` });
  await container[Symbol.asyncDispose]();
  t.deepEqual((await runtime.images.remove(digest)).removed, [digest]);
});

/** So that this process looks at it anew: its ctime changes. */
function rewrite(path: string): void {
  utimesSync(path, 1, 1);
}

here('a start that is given up while its image is unpacked', async (t) => {
  const { path } = makeLayout('given up');
  const controller = new AbortController();
  const starting = run(path, { signal: controller.signal, onImageProgress: () => { controller.abort('enough'); } });
  await t.throwsAsync(starting, { code: 'ERR_TSRUN_ABORTED' });
  t.is(await run(path), 'given up');
  t.deepEqual(readdirSync(join(lab.imageRoot, 'tmp')), []);
});

here('owners that a container has no ids for are told of, and kept in the store', async (t) => {
  const tree = mkdtempSync(join(lab.scratch, 'far-'));
  cpSync(lab.image, tree, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(tree, 'far'), '');
  lchownSync(join(tree, 'far'), 70_000, 0);
  const { path, image } = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [packFolder(tree)], { Cmd: ['stat', '-c', '%u', '/far'] });
  const warnings: string[] = [];
  t.is(await run(path, { onWarning: (warning) => warnings.push(warning) }), '65534\n');
  t.is(await run(path, { namespaces: { user: 'host' } }), '70000\n');
  t.is(warnings.filter((warning) => /has files of owners up to 70000, .*65534.*--userns host/.test(warning)).length, 1, warnings.join());
  t.is(lstatSync(join(lab.imageRoot, 'layers', image.layers[0]?.diffId.slice(7) ?? '', 'diff/far')).uid, 70_000);
});

lab.declareLeakTest();
