/** Layers of a root: as few mounts as will do, and in their order. */
import test from 'ava';
import { groupLayers, layersOf } from '../../src/plan/layers.js';
import { fault } from '../container/build/build-support.js';
import { stepsOf } from './bundles.js';
import type { HostFacts } from '../../src/host/facts.js';
import { compile, host } from './support.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';

const layer = (key: string) => `/store/layers/${key}/diff`;

test('layers of one store are one mount; others are their own', (t) => {
  const groups = groupLayers([layer('a'), '/srv/stack', layer('b'), layer('c')]);
  t.deepEqual(groups.map(({ path, recursive }) => [path, recursive]), [['/store/layers', true], ['/srv/stack', false]]);
  t.deepEqual(layersOf(groups, [7, 9]), { slots: [7, 9, 7, 7], folders: ['a/diff', '', 'b/diff', 'c/diff'], trees: [7, 9] });
});

test('a single layer is a mount by itself, and so are those that lie below the root of the host', (t) => {
  t.deepEqual(groupLayers([layer('a')]).map(({ path }) => path), [layer('a')]);
  t.deepEqual(groupLayers(['/a/x', '/b/y', '/c']).map(({ path }) => path), ['/a/x', '/b/y', '/c']);
});

test('of a layer that comes twice the upper one stands', (t) => {
  const groups = groupLayers([layer('a'), layer('b'), `${layer('a')}/`, '/store/layers/x/../b/diff']);
  t.deepEqual(layersOf(groups, [1]).folders, ['a/diff', 'b/diff']);
});

test('layers stand in the record, one below the other in the plan, and are never written to', (t) => {
  const image = { kind: 'image', rootPath: layer('a'), lowerLayers: [layer('b'), layer('c')], name: 'app' } as const satisfies ResolvedImage;
  const { plan, extensions } = compile({ image, options: { command: ['/app'] } });
  t.deepEqual(extensions.lowerLayers, image.lowerLayers);
  t.deepEqual(stepsOf(plan, 'makeOverlay')[0]?.folders, ['a/diff', 'b/diff', 'c/diff']);
  t.is(stepsOf(plan, 'makeIdMap').length, 1);
  t.like(fault(() => compile({ image, options: { command: ['/app'], root: 'writable' } })), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/root' });
  t.like(fault(() => compile({ image: { ...image, kind: 'rootfs' }, options: { command: ['/app'], root: 'writable' } })), { field: 'extensions.root' });
  const many = { ...image, lowerLayers: Array.from({ length: 500 }, (_, index) => layer(String(index))) };
  t.like(fault(() => compile({ image: many, options: { command: ['/app'] } })), { code: 'ERR_TSRUN_UNSUPPORTED', field: 'extensions.lowerLayers' });
});

test('with many layers what is covered is not looked for, and the overlay is let go of late', (t) => {
  const lowerLayers = Array.from({ length: 7 }, (_, index) => layer(String(index)));
  const image = { kind: 'image', rootPath: layer('a'), lowerLayers, name: 'app' } as const satisfies ResolvedImage;
  const marked = (facts: Partial<HostFacts>) => {
    const { plan } = compile({ image, options: { command: ['/app'] }, host: { ...host, ...facts } });
    return stepsOf(plan, 'makeFolder').filter(({ mark }) => mark !== '').map(({ name, mark }) => `${name} ${mark}`);
  };
  t.deepEqual(marked({}), ['proc', 'dev', 'sys'].map((name) => `upper/${name} trusted.overlay.opaque`));
  const user = { uid: 1000, gid: 1000 };
  t.deepEqual(marked({ ...user, kernel: { major: 6, minor: 6, release: '6.6.0' } }), ['proc', 'dev', 'sys'].map((name) => `upper/${name} user.overlay.opaque`));
  t.deepEqual(marked(user), [], 'a tmpfs has no such attributes before Linux 6.6');
  t.is(stepsOf(compile({ image, options: { command: ['/app'] } }).plan, 'keepMount').length, 1);
  const few = compile({ image: { ...image, lowerLayers: lowerLayers.slice(1) }, options: { command: ['/app'] } }).plan;
  t.deepEqual([stepsOf(few, 'keepMount').length, stepsOf(few, 'makeFolder').filter(({ mark }) => mark !== '').length], [0, 0]);
});
