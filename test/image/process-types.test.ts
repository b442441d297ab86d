import test from 'ava';
import type { ImageConfig } from '../../src/image/documents.js';
import { processEntrypoint, processTypes } from '../../src/image/process-types.js';
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
  t.deepEqual(processEntrypoint(buildpack, 'worker', 'app'), ['/cnb/process/worker']);
});

test('one that is not there is refused, with those that are', (t) => {
  const fault = (image: ImageConfig, type: string) => t.throws(() => processEntrypoint(image, type, 'app'), { instanceOf: TsrunError });
  t.like(fault(buildpack, 'worke'), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/process', hint: 'did you mean "worker"?' });
  t.is(fault(buildpack, 'cron').hint, 'it has web, worker');
  t.regex(fault(imageOf(), 'web').message, /lists no process types/);
});
