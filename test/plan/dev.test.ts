/** /dev of a container: its nodes, and the mount itself. */
import test from 'ava';
import type { Device } from '../../src/spec/types.js';
import { fault } from '../container/build-support.js';
import { planOfBundle, stepsOf } from './bundles.js';

const namespaces = [{ type: 'mount' as const }];
const fuse: Device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 };

test('a path is one place however it is written', (t) => {
  const names = (path: string) => {
    const plan = planOfBundle({ linux: { namespaces, devices: [{ ...fuse, path }] } });
    return plan.steps.filter(({ field }) => field === '/linux/devices/0').map(({ step }) => ('name' in step ? step.name : ''));
  };
  t.deepEqual(names('/dev//fuse'), ['fuse']);
  t.deepEqual(names('/dev/./fuse/'), ['fuse']);
  t.deepEqual(names('/dev/x/../y//fuse'), ['y', 'y/fuse']);
  const plan = planOfBundle({ linux: { namespaces, devices: [{ ...fuse, path: '/dev/./null' }] } });
  t.deepEqual(stepsOf(plan, 'makeNode').filter(({ name }) => name === 'null').map(({ major }) => major), [10], 'in the place of the standard one');
});

test('a device that is not below /dev is refused', (t) => {
  for (const path of ['/dev', '/dev/', '/dev/.', '/dev/x/..', '/etc/null', '/dev/../etc/null', '/devices']) {
    const error = fault(() => planOfBundle({ linux: { namespaces, devices: [{ ...fuse, path }] } }));
    t.like(error, { code: 'ERR_TSRUN_UNSUPPORTED', field: '/linux/devices/0/path' }, path);
  }
});
