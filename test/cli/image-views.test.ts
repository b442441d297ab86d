/** What images, history and layers show, without a store to show it of. */
import test from 'ava';
import { historyOf } from '../../src/cli/history.js';
import { follow } from '../../src/cli/image-work.js';
import { columnsOf, rowsOf } from '../../src/cli/images.js';
import { interruptible, Interruption } from '../../src/cli/interruption.js';
import { judge, renderLayers, renderVerdicts } from '../../src/cli/layers.js';
import { exitCodeOf, failureJson } from '../../src/cli/failure.js';
import { renderRemoved } from '../../src/cli/rmi.js';
import { TsrunError, type ImageChanges, type ImageLayer, type ImageProgress, type ImageSummary, type ImageWork, type LayerChanges } from '../../src/index.js';
import { command, first, refuses } from './support.js';

const plain = (_style: string, text: string) => text;
const nowMs = Date.UTC(2026, 0, 31, 12);
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const image: ImageSummary = {
  digest, names: ['docker.io/library/app:1', 'localhost:5000/app:2'], platform: { os: 'linux', architecture: 'amd64' },
  created: '2026-01-30T12:00:00Z', unpackedBytes: 3 * 2 ** 20, blobBytes: 2 ** 20, layers: 2, importedAtMs: nowMs - 5000,
};

test('images: a row for each name, as docker has them', (t) => {
  t.deepEqual(columnsOf({}).map(({ title }) => title), ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE']);
  t.deepEqual(rowsOf([image], {}, undefined, nowMs), [
    ['app', '1', '0123456789ab', '1d ago', '3MiB'],
    ['localhost:5000/app', '2', '0123456789ab', '1d ago', '3MiB'],
  ]);
});

test('images: digests, whole ids, one name, no name, and no time', (t) => {
  t.deepEqual(columnsOf({ digests: true }).map(({ title }) => title), ['REPOSITORY', 'TAG', 'DIGEST', 'IMAGE ID', 'CREATED', 'SIZE']);
  t.deepEqual(rowsOf([image], { digests: true, noTrunc: true }, 'app', nowMs), [['app', '1', digest, digest, '1d ago', '3MiB']]);
  t.deepEqual(rowsOf([image], {}, 'app:1', nowMs).length, 1);
  t.deepEqual(rowsOf([{ ...image, names: [], created: 'never' }], {}, undefined, nowMs), [['<none>', '<none>', '0123456789ab', 'N/A', '3MiB']]);
});

test('images: a name with a digest is no second row, and a digest alone none beside a tag', (t) => {
  const names = ['localhost:5000/app:2', `localhost:5000/app:2@${digest}`, `localhost:5000/app@${digest}`, `localhost:5000/other@${digest}`];
  t.deepEqual(rowsOf([{ ...image, names }], {}, undefined, nowMs).map(([repository, tag]) => `${repository ?? ''} ${tag ?? ''}`), ['localhost:5000/app 2', 'localhost:5000/other <none>']);
});

test('images: when one was made, as it says, and not when it came here', (t) => {
  const made = (created: string) => rowsOf([{ ...image, names: [], created }], {}, undefined, nowMs)[0]?.[3];
  t.deepEqual(['2026-01-31T11:59:59.900Z', '2026-01-31T13:00:00Z', '2026-01-31T11:59:57.900Z', '0001-01-01T00:00:00Z', ''].map(made), ['now', 'now', '2s ago', 'N/A', 'N/A']);
});

const layer = (index: number, parts: Partial<ImageLayer> = {}): ImageLayer => ({
  diffId: `sha256:${String(index).repeat(64)}`, digest, mediaType: 'x', blobBytes: 1, unpackedBytes: index * 100, entries: 1, path: '/l', ...parts,
});

test('history: the last step first, steps without a layer, and layers without a step', (t) => {
  const config = {
    os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] },
    history: [{ created_by: 'ADD root', created: '2026-01-01T00:00:00Z' }, { created_by: 'ENV A=1', empty_layer: true }, { created_by: 'RUN x', comment: 'why' }],
  } as const;
  t.deepEqual(historyOf({ config, layerDetails: [layer(1), layer(2), layer(3)] }), [
    { diffId: layer(3).diffId, unpackedBytes: 300 },
    { diffId: layer(2).diffId, createdBy: 'RUN x', comment: 'why', unpackedBytes: 200 },
    { createdBy: 'ENV A=1', unpackedBytes: 0 },
    { diffId: layer(1).diffId, created: '2026-01-01T00:00:00Z', createdBy: 'ADD root', unpackedBytes: 100 },
  ]);
});

const changed: LayerChanges = { bytes: 2048, added: 1, changed: 2, removed: 0, addedBytes: 1024, changedBytes: 1024, removedBytes: 0, wastedBytes: 512, changes: [] };
const changes: ImageChanges = {
  layers: [changed, { ...changed, added: 0, removed: 3, wastedBytes: 0 }], bytes: 4096, wastedBytes: 512, efficiency: 0.875, userWastedRatio: 0.25,
  wasted: [{ path: '/a\x1b[31m', bytes: 512, times: 1 }, { path: '/b', bytes: 0, times: 4 }],
};

test('layers: what each does, the sum, and the paths that waste', (t) => {
  const text = renderLayers({ layerDetails: [layer(1, { createdBy: 'ADD root' }), layer(2)] }, changes, { paint: plain, top: 10, width: undefined });
  t.is(text, [
    'LAYER         SIZE  ADDED  CHANGED  REMOVED  WASTED  CREATED BY',
    '111111111111  2KiB      1        2        -    512B  ADD root',
    '222222222222  2KiB      -        2        3       -',
    '',
    '4KiB in 2 layers, 512B of it wasted; efficiency 87.5%',
    '',
    'WASTED  TIMES  PATH',
    '  512B      1  /a\\x1b[31m',
    '',
  ].join('\n'));
  t.false(renderLayers({ layerDetails: [] }, changes, { paint: plain, top: 0, width: undefined }).includes('PATH'));
});

test('layers --ci: thresholds of dive, and those that are named', (t) => {
  const passes = (flags: Parameters<typeof judge>[1]) => judge(changes, flags).map(({ rule, pass }) => [rule, pass]);
  t.deepEqual(passes({}), [['lowestEfficiency', false], ['highestUserWastedPercent', false]]);
  t.deepEqual(passes({ lowestEfficiency: 0.875, highestWastedBytes: 512, highestUserWastedRatio: 0.25 }), [
    ['lowestEfficiency', true], ['highestWastedBytes', true], ['highestUserWastedPercent', true],
  ]);
  t.false(judge(changes, { highestWastedBytes: 511 })[1]?.pass);
  t.is(renderVerdicts(judge(changes, { lowestEfficiency: 0.5, highestWastedBytes: 100 }), plain), [
    '',
    'PASS: lowestEfficiency (87.5%, threshold 50.0%)',
    'FAIL: highestWastedBytes (512B, threshold 100B)',
    'FAIL: highestUserWastedPercent (25.0%, threshold 10.0%)',
    'Result: FAIL',
    '',
  ].join('\n'));
  t.is(renderVerdicts([], plain), '');
});

test('rmi: what has lost its name and what is gone, in docker\'s words', (t) => {
  t.is(renderRemoved({ untagged: ['docker.io/library/app:1'], removed: [digest], freedBytes: 1 }), `Untagged: app:1\nDeleted: ${digest}\n`);
});

test('load is called import as well; two sources are one too many elsewhere', (t) => {
  t.is(command('load').name, 'load');
  t.deepEqual(first('load', '-i', 'x.tar').flags.input, 'x.tar');
  t.deepEqual(first('load').positionals, []);
  refuses(t, 'save', [], 'no image given');
  refuses(t, 'tag', ['a'], 'no name given');
  refuses(t, 'run', ['--pull', 'sometimes', 'a'], /expected one of missing, always, never/);
});

function work<Result>(news: readonly ImageProgress[], done: Promise<Result>): ImageWork<Result> {
  return {
    done,
    async *[Symbol.asyncIterator]() {
      yield* news;
      await done.catch(() => undefined);
    },
  };
}

const silent = { stderr: process.stderr, env: {}, flags: { quiet: true } };

test('a piece of work is followed to its end, and its failure is thrown', async (t) => {
  t.is(await follow(silent, () => work([{ stage: 'fetching', doneBytes: 1 }], Promise.resolve(7))), 7);
  const failure = new TsrunError('ERR_TSRUN_REGISTRY', 'no');
  t.is(await follow(silent, () => work([], Promise.reject<number>(failure))).catch((error: unknown) => error), failure);
});

test('a signal gives work up, with the exit code of who is ended by it', async (t) => {
  const error = await interruptible((signal) => new Promise((_resolve, reject) => {
    // A signal by itself keeps no process waiting.
    const timer = setTimeout(reject, 30_000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new TsrunError('ERR_TSRUN_ABORTED', 'given up'));
    });
    process.kill(process.pid, 'SIGINT');
  })).catch((reason: unknown) => reason);
  t.true(error instanceof Interruption);
  t.is(exitCodeOf(error, command('pull')), 130);
  t.is(failureJson(error), '{"error":{"message":"interrupted by SIGINT"}}\n');
  t.is(process.listenerCount('SIGINT'), 0);
});
