/** The root: what it needs of the kernel. */
import test from 'ava';
import { fault } from '../container/build/build-support.js';
import { stepsOf } from './bundles.js';
import { compile, host } from './support.js';

const old = { ...host, kernel: { major: 5, minor: 15, release: '5.15.0' } };

test('layers of an overlay are id-mapped from Linux 5.19 on, a folder before that', (t) => {
  t.like(fault(() => compile({ host: old })), { code: 'ERR_TSRUN_HOST', field: '/linux/uidMappings' });
  const { plan } = compile({ host: old, options: { root: 'writable' } });
  const [root] = stepsOf(plan, 'setMount');
  t.is(typeof root?.idMap, 'number');
  t.deepEqual(stepsOf(plan, 'makeOverlay'), []);
});
