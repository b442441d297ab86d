/** Mounts on the host: nothing can be written, no device or set-id bit counts, and only what has to be is id-mapped. */
import test from 'ava';
import { compileMount, type MountSource } from '../../src/plan/compile-mount.js';
import { mountAttributes } from '../../src/plan/mount-options.js';
import type { Plan } from '../../src/plan/plan.js';
import { host } from './support.js';

const { readonly, nosuid, nodev, nosymfollow } = mountAttributes;

function plan(source: MountSource, followLinks = true): Plan {
  return compileMount({ source, followLinks, target: '/mnt', host });
}

function names({ steps }: Plan): string[] {
  return steps.map(({ step }) => step.op);
}

test('layers are laid over nothing, so that one alone will do, and without an upper layer', (t) => {
  const { steps } = plan({ kind: 'layers', layers: ['/store/layers/a/diff'], emptyFolder: '/run/tsrun/empty' });
  const overlay = steps.map(({ step }) => step).find((step) => step.op === 'makeOverlay');
  t.is(overlay?.op === 'makeOverlay' ? overlay.scratch : 0, null);
  t.is(overlay?.op === 'makeOverlay' ? overlay.layers.length : 0, 2);
  const last = steps.at(-1)?.step;
  t.true(last?.op === 'mountOnHost' && last.target === '/mnt');
});

test('attributes of the mount, for layers, a folder and a live container', (t) => {
  const sources: MountSource[] = [{ kind: 'layers', layers: ['/s/a/diff', '/s/b/diff'], emptyFolder: '/e/mpty' }, { kind: 'folder', folder: '/image' }, { kind: 'container', id: 'web' }];
  for (const source of sources) {
    for (const [followLinks, set] of [[true, readonly | nosuid | nodev], [false, readonly | nosuid | nodev | nosymfollow]] as const) {
      const step = plan(source, followLinks).steps.at(-2)?.step;
      t.true(step?.op === 'setMount' && step.set === set, source.kind);
    }
  }
  t.deepEqual(names(plan({ kind: 'container', id: 'web' })), ['openRoot', 'setMount', 'mountOnHost']);
});

test('what a container has left is id-mapped as it was, but for its upper layer, which has the ids of the host', (t) => {
  const maps = { uidMappings: [{ containerID: 0, hostID: 600_000, size: 65_536 }], gidMappings: [{ containerID: 0, hostID: 600_000, size: 65_536 }] };
  const { steps } = plan({ kind: 'layers', layers: ['/store/layers/a/diff', '/store/layers/b/diff'], upper: '/store/uppers/web/upper', maps, emptyFolder: '/run/tsrun/empty' });
  const trees = new Map(steps.flatMap(({ step }) => (step.op === 'openTree' ? [[step.path, step.into] as const] : [])));
  const isMapped = (path: string) => steps.some(({ step }) => step.op === 'setMount' && step.mount === trees.get(path) && step.idMap !== null);
  t.deepEqual([...trees.keys()].map((path) => [path, isMapped(path)]), [['/store/uppers/web/upper', false], ['/store/layers', true], ['/run/tsrun/empty', false]]);
});

test('a kernel without overlayfs, and too many layers, are told of before anything is done', (t) => {
  const layers = Array.from({ length: 500 }, (_, index) => `/store/layers/${index}/diff`);
  t.throws(() => plan({ kind: 'layers', layers, emptyFolder: '/e/mpty' }), { code: 'ERR_TSRUN_UNSUPPORTED' });
  t.throws(() => compileMount({ source: { kind: 'layers', layers: ['/a'], emptyFolder: '/e' }, followLinks: true, target: '/mnt', host: { ...host, supports: { ...host.supports, overlay: false } } }), { code: 'ERR_TSRUN_HOST' });
});
