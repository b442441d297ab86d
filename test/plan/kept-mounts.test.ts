/** Which containers' mounts the launcher keeps until it has told the end. */
import test from 'ava';
import type { RunOptions } from '../../src/container/options/options.js';
import { compilePlan } from '../../src/plan/compile.js';
import type { RootMode } from '../../src/spec/extensions.js';
import type { Mount } from '../../src/spec/types.js';
import { stepsOf } from './bundles.js';
import { compile } from './support.js';

const keeps = (options: RunOptions): boolean => stepsOf(compile({ options }).plan, 'keepMounts').length === 1;

function keepsWith(changed: { readonly root?: RootMode; readonly mount?: Mount; readonly options?: RunOptions }): boolean {
  const { input } = compile({ options: changed.options ?? {} });
  const spec = changed.mount === undefined ? input.spec : { ...input.spec, mounts: [...(input.spec.mounts ?? []), changed.mount] };
  const extensions = changed.root === undefined ? input.extensions : { ...input.extensions, root: changed.root };
  return stepsOf(compilePlan({ ...input, spec, extensions }), 'keepMounts').length === 1;
}

test('mounts are kept where nothing of the host but the image is among them', (t) => {
  t.true(keeps({}));
  t.true(keeps({ root: 'read-only' }));
  t.false(keeps({ root: 'writable' }));
  t.false(keepsWith({ root: { kind: 'disposable', sizeBytes: 0, disk: { folder: '/uppers/a', project: 0 } } }), 'an upper layer on disk is removed when the end is told');
  t.false(keepsWith({ mount: { destination: '/vol', type: 'bind', source: '/srv' } }));
  t.false(keepsWith({ mount: { destination: '/disk', type: 'ext4', source: '/dev/vdb' } }));
});

test('mounts are kept where little can lie in them', (t) => {
  const megabyte = 2 ** 20;
  t.true(keeps({ shmBytes: 64 * megabyte }));
  t.false(keeps({ shmBytes: 65 * megabyte }));
  const tmpfs = (...options: string[]): Mount => ({ destination: '/more', type: 'tmpfs', source: 'tmpfs', options });
  t.false(keepsWith({ mount: tmpfs() }), 'half of the memory');
  t.false(keepsWith({ mount: tmpfs('size=50%') }));
  t.false(keepsWith({ mount: tmpfs('size=0') }), 'no limit (tmpfs(5))');
  t.false(keepsWith({ mount: tmpfs('size=1m') }), 'there are 128 without it');
  const beside = (...sizes: string[]) => keepsWith({ mount: tmpfs(...sizes), options: { shmBytes: 63 * megabyte } });
  t.deepEqual([beside('size=1m'), beside('size=2m', 'size=1024k'), beside('size=1m', 'size=2m')], [true, true, false], 'the last one counts');
});
