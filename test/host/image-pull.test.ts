// Images of a registry as containers: when it is asked, by how many, and how often for the same bytes.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { Runtime, TsrunError, type RunOptions } from '../../src/index.js';
import { digestOf, FakeRegistry } from '../support/fake-registry.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { Lab, outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { makeImage, makeLayer, type MadeLayer } from '../support/store-lab.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'overlay', 'userns');
const agent = resolve(import.meta.dirname, '../support/import-agent.js');

let registry: FakeRegistry | undefined;
test.after.always(() => { registry?.close(); });

/** A busybox that prints what it is told to, under this tag. */
async function publish(tag: string, content: string, layers: readonly MadeLayer[] = [packFolder(lab.image)]): Promise<{ readonly registry: FakeRegistry; readonly name: string; readonly layers: readonly MadeLayer[] }> {
  registry ??= await FakeRegistry.start();
  const all = [...layers, makeLayer({ content })];
  const image = makeImage(all, { architecture: process.arch === 'x64' ? 'amd64' : 'arm64', config: { Cmd: ['cat', '/content'] } });
  registry.blobs.set(image.config.descriptor.digest, image.config.bytes);
  for (const { descriptor, bytes } of all) registry.blobs.set(descriptor.digest, bytes);
  for (const name of [tag, image.manifest.descriptor.digest]) registry.manifests.set(name, { bytes: image.manifest.bytes, type: image.manifest.descriptor.mediaType });
  registry.seen.length = 0;
  return { registry, name: `${registry.host}/team/app:${tag}`, layers: all };
}

async function run(reference: string, options: RunOptions = {}): Promise<string> {
  const { stdout, stderr } = await outcome(await (await lab.runtime()).run(reference, { id: lab.newId(), ...options }));
  return stdout + stderr;
}

here('a registry is asked for what is not there, each time, or never', async (t) => {
  const { registry: { seen, paths }, name } = await publish('1', 'first');
  await t.throwsAsync(run(name, { pull: 'never' }), { code: 'ERR_TSRUN_IMAGE' });
  t.deepEqual(paths, []);
  t.is(await run(name), 'first');
  const asked = seen.length;
  t.is(await run(name), 'first');
  t.is(await run(name, { pull: 'never' }), 'first');
  t.is(seen.length, asked);
  await publish('1', 'second');
  t.is(await run(name), 'first');
  t.is(await run(name, { pull: 'always' }), 'second');
  await publish('1', 'third');
  const since = seen.length;
  t.is(await run(`docker://${name}`), 'second', 'with the scheme it is the same name');
  t.is(await run(`docker://${name}`, { pull: 'never' }), 'second');
  t.is(seen.length, since);
  const { images } = await lab.runtime();
  t.deepEqual((await images.list()).map(({ names }) => names), [[name], []], 'the name is the new one\'s');
});

here('a name with a digest is never asked for again, whatever it was pulled by', async (t) => {
  const { registry: { seen, manifests }, name } = await publish('4', 'by digest');
  const digest = digestOf(manifests.get('4')?.bytes ?? Buffer.alloc(0));
  const repository = name.replace(/:4$/, '');
  t.is(await run(name), 'by digest');
  const asked = seen.length;
  for (const reference of [`${repository}@${digest}`, `${name}@${digest}`, `docker://${repository}@${digest}`]) {
    for (const pull of ['missing', 'always', 'never'] as const) t.is(await run(reference, { pull }), 'by digest', `${reference} ${pull}`);
  }
  t.is(seen.length, asked);
  const { images } = await lab.runtime();
  t.is((await images.pull(`${name}@${digest}`).done).digest, digest);
  t.true((await images.list()).some(({ names }) => names.includes(`${repository}@${digest}`)));
  t.true(seen.length > asked, 'who pulls asks');
});

here('a short name is kept under the name that registries.conf gives it, and found by both', async (t) => {
  const { registry: { seen, host }, name } = await publish('5', 'aliased');
  const config = join(lab.scratch, 'registries.conf');
  writeFileSync(config, `unqualified-search-registries = ["${host}"]\n[aliases]\ntool = "${host}/team/app"\n`);
  process.env['CONTAINERS_REGISTRIES_CONF'] = config;
  t.teardown(() => { delete process.env['CONTAINERS_REGISTRIES_CONF']; });
  const { images } = await lab.runtime();
  t.is(await run('tool:5'), 'aliased');
  const asked = seen.length;
  t.deepEqual((await images.inspect('tool:5')).names, [name]);
  for (const each of ['tool:5', 'team/app:5', name]) t.is(await run(each), 'aliased', each);
  t.is(seen.length, asked);
  await t.throwsAsync(run('docker.io/library/tool:5', { pull: 'never' }), { code: 'ERR_TSRUN_IMAGE' }, 'a whole name is not completed');
  await t.throwsAsync(run('docker://tool:5', { pull: 'never' }), { code: 'ERR_TSRUN_IMAGE' }, 'nor is one with a scheme');
  await images.tag('tool:5', 'mine');
  t.is(await run('mine'), 'aliased', 'a name that was given here needs no registries.conf');
  t.deepEqual((await images.remove('tool:5')).untagged, [name]);
  writeFileSync(config, 'broken');
  await t.throwsAsync(run('tool:5', { pull: 'never' }), { code: 'ERR_TSRUN_REGISTRY', message: /is not TOML/ });
  t.is(await run('mine'), 'aliased');
});

here('what is found nowhere is told of by where it was looked for', async (t) => {
  const { registry: { host } } = await publish('6', 'nowhere');
  const config = join(lab.scratch, 'nowhere.conf');
  writeFileSync(config, `unqualified-search-registries = ["${host}"]\n`);
  process.env['CONTAINERS_REGISTRIES_CONF'] = config;
  t.teardown(() => { delete process.env['CONTAINERS_REGISTRIES_CONF']; });
  for (const [name, hint] of [['nosuch.tar', /path of a file/], ['dir/nosuch.tgz', /path of a file/], ['nosuch:none', /registry knows no tag/]] as const) {
    const error = await t.throwsAsync<TsrunError>(run(name), { code: 'ERR_TSRUN_REGISTRY' });
    t.true(error.message.startsWith(`there is no file or folder '${name}', no image of that name in the store, and none from a registry: `), error.message);
    t.true(error.message.includes(`http://${host}/v2/`), error.message);
    t.regex(error.hint ?? '', hint);
  }
});

async function ended(t: ExecutionContext, child: ChildProcess): Promise<void> {
  const [complaint] = await Promise.all([text(child.stderr ?? process.stdin), once(child, 'exit')]);
  t.is(child.exitCode, 0, complaint);
}

function pull(root: string, name: string): ChildProcess {
  return spawn(process.execPath, [agent, lab.stateRoot, root, `docker://${name}`], { stdio: ['ignore', 'ignore', 'pipe'] });
}

here('processes that pull the same image at once fetch each blob once', async (t) => {
  const { registry: { seen }, name, layers } = await publish('2', 'together');
  const root = mkdtempSync(join(lab.scratch, 'together-'));
  await Promise.all(Array.from({ length: 3 }, async () => ended(t, pull(root, name))));
  await ended(t, pull(root, name));
  const fetched = seen.filter(({ url }) => url.includes('/blobs/')).map(({ url }) => url);
  t.deepEqual([fetched.length, new Set(fetched).size], [layers.length + 1, layers.length + 1], 'the config as well, also for who comes later');
  t.deepEqual([readdirSync(join(root, 'layers')).length, readdirSync(join(root, 'tmp'))], [2, []]);
});

here('what a killed process had of a blob is not fetched again', async (t) => {
  const { registry: known, name, layers } = await publish('3', 'resumed');
  const root = mkdtempSync(join(lab.scratch, 'resumed-'));
  const [large] = layers;
  if (large === undefined) return;
  const half = large.bytes.length >> 1;
  let held = 0;
  known.intercept = ({ url }, response) => {
    if (!url.endsWith(large.descriptor.digest) || held > 0) return false;
    held++;
    response.writeHead(200, { 'content-length': large.bytes.length });
    response.write(large.bytes.subarray(0, half));
    return true;
  };
  const child = pull(root, name);
  const gone = once(child, 'exit');
  const part = join(root, 'tmp', `blob-${large.descriptor.digest.slice(7)}`);
  await until(() => (statSync(part, { throwIfNoEntry: false })?.size ?? 0) === half, 'half of the blob');
  child.kill('SIGKILL');
  await gone;
  known.seen.length = 0;
  await ended(t, pull(root, name));
  t.deepEqual(known.seen.filter(({ url }) => url.endsWith(large.descriptor.digest)).map(({ headers }) => headers.range), [`bytes=${half}-`]);
  t.deepEqual(readdirSync(join(root, 'tmp')), []);
});

here('what has a digest in its name is that image, whatever a file or a person calls another', async (t) => {
  const pinned = `team/app@sha256:${'a'.repeat(64)}`;
  const { path, image } = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [makeLayer({ content: 'another' })], {}, pinned);
  const { images } = await lab.runtime();
  const [summary] = await images.import(`${path}:${pinned}`).done;
  t.like(summary, { digest: image.manifest.descriptor.digest, names: [] });
  await t.throwsAsync(run(pinned, { pull: 'never' }), { code: 'ERR_TSRUN_IMAGE', message: /in the store/ });
  for (const refused of [images.import(path, { name: pinned }).done, images.pull('localhost:1/app', { name: pinned }).done, images.tag(image.manifest.descriptor.digest, pinned)]) {
    await t.throwsAsync(refused, { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /has a digest, which only a registry gives/ });
  }
});

needs('root', 'command:mount')('a disk without room is told of before a layer is fetched, one that fills meanwhile when it has; with more room the image comes whole', async (t) => {
  const root = mkdtempSync(join(lab.scratch, 'full-'));
  const mount = (...options: readonly string[]) => t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(), 'tmpfs', root]).status, 0);
  mount('size=8m');
  t.teardown(() => spawnSync('umount', ['--lazy', root]));
  const large = makeLayer({ large: randomBytes(2 ** 23).toString('latin1') });
  const { registry: source, name } = await publish('full', 'room for it', [packFolder(lab.image), large]);
  await using runtime = await Runtime.open({ root: lab.stateRoot, imageRoot: join(root, 'images') });
  const refused = async () => {
    const error = await t.throwsAsync(runtime.images.pull(name).done, { instanceOf: TsrunError, code: 'ERR_TSRUN_STORE' });
    t.deepEqual([await runtime.images.list(), readdirSync(join(root, 'images/names'))], [[], []]);
    return `${error.message} (${error.hint ?? ''})`;
  };
  const isLarge = ({ url }: { readonly url: string }) => url.endsWith(large.descriptor.digest);
  t.regex(await refused(), /needs \d+ bytes for the blobs of this image alone, and \d+ are free \(.*prune/);
  t.false(source.seen.some(isLarge));
  mount('remount', 'size=40m');
  const filler = join(root, 'filler');
  source.intercept = (request) => {
    if (isLarge(request)) spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']);
    return false;
  };
  // Of the blob, or of a layer that is unpacked meanwhile.
  t.regex(await refused(), /(?:^no space is left for |: ENOSPC ).*\(.*prune/);
  source.intercept = () => false;
  rmSync(filler);
  await runtime.images.pull(name).done;
  t.is((await outcome(await runtime.run(name, { id: lab.newId(), namespaces: { user: 'host' } }))).stdout, 'room for it');
});

lab.declareLeakTest();
