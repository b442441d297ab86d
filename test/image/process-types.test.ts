import test from 'ava';
import type { ImageConfig } from '../../src/image/documents.js';
import { processCommand, processProgram, processTypes } from '../../src/image/process-types.js';
import { TsrunError } from '../../src/spec/errors.js';

const imageOf = (label?: string): ImageConfig => ({
  os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] },
  config: label === undefined ? {} : { Labels: { 'io.buildpacks.build.metadata': label } },
});
const buildpack = imageOf(JSON.stringify({
  processes: [
    { type: 'web', command: ['node'], args: ['server.js'], direct: true, buildpackID: 'x' },
    { type: 'worker', command: 'node', args: ['worker.js'], direct: false },
  ],
  launcher: { version: '0.20' },
}));

test('a label lists process types', (t) => {
  t.deepEqual(processTypes(buildpack), ['web', 'worker']);
});

test('a label that is none, or of another form, lists nothing', (t) => {
  for (const label of [undefined, '', '{', 'null', '[]', '{"processes":5}', '{"processes":[5,null,{}]}', '{"processes":[{"type":5}]}']) t.deepEqual(processTypes(imageOf(label)), [], label);
});

test('a type that leads elsewhere is none', (t) => {
  const types = ['../../bin/sh', '..', 'a/b', '', 'x'.repeat(129), 'a b', 'ok'];
  t.deepEqual(processTypes(imageOf(JSON.stringify({ processes: types.map((type) => ({ type })) }))), ['ok']);
});

test('a type is started by the launcher\'s name for it', (t) => {
  t.deepEqual(processProgram(buildpack, { type: 'worker', extra: ['--fast', 'a b'] }, 'app'), ['/cnb/process/worker', '--fast', 'a b']);
});

test('a label says what a type runs, for people', (t) => {
  t.is(processCommand(buildpack, 'web'), 'node server.js');
  t.is(processCommand(buildpack, 'worker'), 'node worker.js');
  t.is(processCommand(buildpack, 'other'), undefined);
  t.is(processCommand(slug, 'worker'), 'node worker.js $QUEUE');
  for (const process of [{}, { command: null, args: null }, { command: 5, args: [5, {}] }, { command: { a: 1 } }, { args: 'x' }]) {
    t.is(processCommand(imageOf(JSON.stringify({ processes: [{ type: 'web', ...process }] })), 'web'), process.args === 'x' ? 'x' : undefined);
  }
});

test('one that is not there is refused, with those that are', (t) => {
  const fault = (image: ImageConfig, type: string) => t.throws(() => processProgram(image, { type, extra: [] }, 'app'), { instanceOf: TsrunError });
  t.like(fault(buildpack, 'worke'), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/process', hint: 'did you mean "worker"?' });
  t.is(fault(buildpack, 'cron').hint, 'it has "web", "worker"');
  t.regex(fault(imageOf(), 'web').message, /lists no process types/);
});

const slug: ImageConfig = {
  ...imageOf(),
  config: { Entrypoint: ['bash', '-c', 'boot', 'bash'], Cmd: ['node server.js'], Labels: { 'tsrun.process-types': '{"web":"node server.js","worker":"node worker.js $QUEUE"}' } },
};

test('a slug\'s type is a line for its entrypoint, with further arguments as words of it', (t) => {
  t.deepEqual(processTypes(slug), ['web', 'worker']);
  t.deepEqual(processProgram(slug, { type: 'worker', extra: [] }, 'app'), ['bash', '-c', 'boot', 'bash', 'node worker.js $QUEUE']);
  t.is(processProgram(slug, { type: 'worker', extra: ['42', "it's; rm", ''] }, 'app').at(-1), "node worker.js $QUEUE 42 'it'\\''s; rm' ''");
});

test('a slug\'s label that is none, or of another form, lists nothing', (t) => {
  for (const label of ['', '[]', '{"web":5}', '5', '{"a":"b","a":"c"}']) t.deepEqual(processTypes({ ...slug, config: { Labels: { 'tsrun.process-types': label } } }), [], label);
});
