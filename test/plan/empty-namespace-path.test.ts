/** Engines written in Go write the path of a namespace that has none as "": it is a new one. */
import test from 'ava';
import type { Linux, NamespaceType } from '../../src/spec/types.js';
import { bundleWith, maps } from './bundles.js';
import { compile } from './support.js';

test('a bundle whose namespaces have empty paths is as one whose have none', (t) => {
  const types: readonly NamespaceType[] = ['mount', 'user', 'pid', 'network', 'ipc', 'uts', 'cgroup'];
  const linux = (path: { readonly path?: string }): Linux => ({ namespaces: types.map((type) => ({ type, ...path })), ...maps });
  const [empty, none] = [{ path: '' }, {}].map((path) => compile({ image: bundleWith({ linux: linux(path) }) }));
  t.deepEqual(empty?.extensions.root, none?.extensions.root);
  t.deepEqual(empty?.plan.steps, none?.plan.steps);
});
