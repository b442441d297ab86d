// The store under its worst: killed while it works, with no room left, by several processes at once.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Runtime, TsrunError } from '../../src/index.js';
import { writeLayout, type Layout } from '../support/image-layouts.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { makeLayer } from '../support/store-lab.js';

const lab = new Lab();
const here = needs('root');
const agent = resolve(import.meta.dirname, '../support/import-agent.js');
const slow = process.env['TSRUN_LANE'] !== undefined;
/** A guest, which is slow, takes a sample. */
const moments = slow && process.env['TSRUN_LONG'] !== '1' ? 8 : 100;

/** Some files of some size, in layers that take a moment each. */
function makeLayout(seed: number): Layout {
  const layers = [1, 2, 3, 4].map((layer) => makeLayer(Object.fromEntries(Array.from({ length: 40 }, (_, file) => [`etc/${seed}-${layer}-${file}`, noise(seed * 1000 + layer * 100 + file, 24_000)]))));
  return writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), layers, { Cmd: ['true'] });
}

/** The same each time, and nothing that gzip could make smaller. */
function noise(seed: number, length: number): string {
  let state = seed * 2_654_435_761 + 1;
  let said = '';
  while (said.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    said += state.toString(36);
  }
  return said;
}

function start(imageRoot: string, reference: string): ChildProcess {
  return spawn(process.execPath, [agent, lab.stateRoot, imageRoot, reference], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a store must be at every moment: what has its name is whole. */
function faultsOf(root: string): string[] {
  const list = (folder: string) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []);
  const faults: string[] = [];
  for (const blob of list('blobs/sha256')) {
    if (spawnSync('sha256sum', [join(root, 'blobs/sha256', blob)], { encoding: 'utf8' }).stdout.slice(0, 64) !== blob) faults.push(`blob ${blob}`);
  }
  for (const layer of list('layers')) {
    const files = readdirSync(join(root, 'layers', layer, 'diff/etc'));
    const complete = files.length === 40 && files.every((file) => statSync(join(root, 'layers', layer, 'diff/etc', file)).size >= 24_000);
    if (!complete || !existsSync(join(root, 'layers', layer, 'layer.json'))) faults.push(`layer ${layer}`);
  }
  for (const image of list('images')) {
    const { layers } = (JSON.parse(readFileSync(join(root, 'images', image), 'utf8')) as { value: { layers: { key: string }[] } }).value;
    for (const { key } of layers) if (!existsSync(join(root, 'layers', key.slice(7), 'diff'))) faults.push(`image ${image} without ${key}`);
  }
  for (const name of list('names')) {
    const { digest } = (JSON.parse(readFileSync(join(root, 'names', name), 'utf8')) as { value: { digest: string } }).value;
    if (!existsSync(join(root, 'images', `${digest.slice(7)}.json`))) faults.push(`name ${name} without ${digest}`);
  }
  return faults;
}

async function importOnce(t: ExecutionContext, imageRoot: string, reference: string): Promise<string> {
  const child = start(imageRoot, reference);
  const [said, complaint] = await Promise.all([text(child.stdout ?? process.stdin), text(child.stderr ?? process.stdin), once(child, 'exit')]);
  t.is(child.exitCode, 0, complaint);
  return said;
}

here(`an import is killed at ${moments} moments: nothing of it is half there, and the next one goes on`, async (t) => {
  t.timeout(600_000);
  const { path } = makeLayout(1);
  const measured = mkdtempSync(join(lab.scratch, 'measured-'));
  const begin = performance.now();
  await importOnce(t, measured, path);
  const longest = performance.now() - begin;
  let unfinished = 0;
  let root = mkdtempSync(join(lab.scratch, 'killed-'));
  for (let moment = 0; moment < moments; moment++) {
    const child = start(root, path);
    const ended = once(child, 'exit');
    // From the start of the process to its end; the interesting part is after it has opened the store.
    await once(child.stdout ?? child, 'data');
    await sleep((longest * 0.6 * moment) / moments);
    child.kill('SIGKILL');
    await ended;
    t.deepEqual(faultsOf(root), [], `moment ${moment}`);
    if (!existsSync(join(root, 'names')) || readdirSync(join(root, 'names')).length === 0) unfinished++;
    // Each goes on where the last one was killed, but for those that were through.
    if (moment % 3 === 2 || unfinished < moment + 1) {
      await importOnce(t, root, path);
      t.deepEqual([faultsOf(root), readdirSync(join(root, 'tmp')), readdirSync(join(root, 'names')).length], [[], [], 1], `after moment ${moment}`);
      rmSync(root, { recursive: true });
      root = mkdtempSync(join(lab.scratch, 'killed-'));
    }
  }
  t.true(unfinished > moments / 3, `only ${unfinished} of ${moments} were killed in time`);
});

here('processes that import the same image at once fetch each blob once, and unpack each layer once', async (t) => {
  const { path, image } = makeLayout(2);
  const root = mkdtempSync(join(lab.scratch, 'together-'));
  const said = await Promise.all(Array.from({ length: 3 }, async () => importOnce(t, root, path)));
  const events = said.flatMap((each) => each.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { stage: string; digest?: string; doneBytes: number; finished?: boolean }));
  for (const { descriptor: { digest } } of image.layers) {
    t.is(events.filter((event) => event.stage === 'fetching' && event.digest === digest && event.finished === true).length, 1, digest);
  }
  // Those that were there already are told of as finished, without any step on the way.
  t.deepEqual([faultsOf(root), readdirSync(join(root, 'tmp')), readdirSync(join(root, 'layers')).length], [[], [], 4]);
});

needs('root', 'command:mount')('with a full disk it is told what is missing, and the store stays whole', async (t) => {
  const root = join(lab.scratch, 'small');
  mkdirSync(root);
  // Room for the blobs of one image and its layers, not for two.
  t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'tmpfs', root]).status, 0);
  try {
    await using runtime = await Runtime.open({ root: mkdtempSync('/run/tsrun-test-'), imageRoot: join(root, 'images') });
    const [first, second] = [makeLayout(3), makeLayout(4)];
    await runtime.images.import(first.path, { name: 'first:1' }).done;
    const error = await t.throwsAsync(runtime.images.import(second.path, { name: 'second:1' }).done, { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_STORE', error.message);
    t.regex(error.message, /space|needs \d+ bytes|ENOSPC/);
    t.regex(error.hint ?? '', /prune|room/);
    t.deepEqual([faultsOf(join(root, 'images')), readdirSync(join(root, 'images/tmp'))], [[], []]);
    t.deepEqual((await runtime.images.list()).map(({ names }) => names), [['docker.io/library/first:1']]);
    await runtime.images.remove('first:1');
    await runtime.images.prune();
    await runtime.images.import(second.path, { name: 'second:1' }).done;
    t.deepEqual(faultsOf(join(root, 'images')), []);
  } finally {
    spawnSync('umount', [root]);
  }
});

needs('root', 'command:mount')('a disk that fills up in the middle of an unpacking is named, nothing of it stays, and the next one works', async (t) => {
  const root = join(lab.scratch, 'filling');
  mkdirSync(root);
  t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root]).status, 0);
  try {
    await using runtime = await Runtime.open({ root: mkdtempSync('/run/tsrun-test-'), imageRoot: join(root, 'images') });
    // A blob that fits, of files that do not.
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, file) => [`srv/${file}`, 'text '.repeat(100_000)]));
    const large = writeLayout(mkdtempSync(join(lab.scratch, 'layout-')), [makeLayer(files)], { Cmd: ['true'] });
    const error = await t.throwsAsync(runtime.images.import(large.path, { name: 'large:1' }).done, { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_STORE');
    t.regex(error.message, /^entry '\.\/srv\/\d+' of the layer: write in '.*\/filling\/images\/tmp\/layer-.*': ENOSPC$/);
    t.regex(error.hint ?? '', /make room .*prune/);
    const left = (folder: string) => readdirSync(join(root, 'images', folder));
    t.deepEqual([left('layers'), left('images'), left('names'), left('tmp').filter((name) => name.startsWith('layer-'))], [[], [], [], []]);
    t.deepEqual(await runtime.images.list(), []);
    const small = makeLayout(5);
    await runtime.images.import(small.path, { name: 'small:1' }).done;
    t.deepEqual([faultsOf(join(root, 'images')), left('tmp')], [[], []]);
  } finally {
    spawnSync('umount', [root]);
  }
});

lab.declareLeakTest();
