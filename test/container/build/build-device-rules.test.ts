import test from 'ava';
import type { RunOptions } from '../../../src/container/options/options.js';
import type { DeviceRule, Spec } from '../../../src/spec/types.js';
import { build, buildBundle } from './build-support.js';

const fuse = { source: '/dev/fuse', device: { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 }, access: 'r' } as const;
const toRead: DeviceRule = { allow: true, type: 'c', major: 10, minor: 229, access: 'r' };
const none: DeviceRule = { ...toRead, allow: false, access: 'rwm' };
const denyAll: DeviceRule = { allow: false, access: 'rwm' };
const allowAll: DeviceRule = { allow: true, access: 'rwm' };

const asked: RunOptions = { devices: [{ source: '/dev/fuse', access: 'r' }] };
const found = { devices: [fuse] };

function ofBundle(linux: Spec['linux'], options: RunOptions = {}, changes = {}): readonly DeviceRule[] | undefined {
  return buildBundle(options, { linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...linux } }, changes).spec.linux?.resources?.devices;
}

test('the default profile denies all but what was asked for', (t) => {
  t.deepEqual(build().spec.linux?.resources?.devices, [denyAll]);
  t.deepEqual(build(asked, found).spec.linux?.resources?.devices, [denyAll, toRead]);
});

test('privileged allows all; what is asked for with less holds all the same', (t) => {
  t.deepEqual(build({ privileged: true }).spec.linux?.resources?.devices, [allowAll]);
  t.deepEqual(build({ ...asked, privileged: true }, { devices: [{ ...fuse, access: 'rwm' }] }).spec.linux?.resources?.devices, [allowAll]);
  t.deepEqual(build({ ...asked, privileged: true }, found).spec.linux?.resources?.devices, [allowAll, none, toRead]);
});

test('a bundle has its own rules, and what is asked for replaces what they say of that device', (t) => {
  const rules = [denyAll, { ...toRead, access: 'rwm' }];
  t.deepEqual(ofBundle({ resources: { devices: rules } }), rules);
  t.deepEqual(ofBundle({ resources: { devices: rules } }, asked, found), [...rules, none, toRead]);
  t.deepEqual(ofBundle({ resources: { devices: [] } }, asked, found), [none, toRead]);
});

test('the nodes of a bundle without rules may be used', (t) => {
  t.is(ofBundle({}), undefined);
  const devices = [
    { type: 'u', path: '/dev/a', major: 10, minor: 1 },
    { type: 'b', path: '/dev/b', major: 8, minor: 0 },
    { type: 'p', path: '/dev/c' },
  ] as const;
  const nodes = [{ allow: true, type: 'c', major: 10, minor: 1, access: 'rw' }, { allow: true, type: 'b', major: 8, minor: 0, access: 'rw' }];
  t.deepEqual(ofBundle({ devices: [...devices] }), nodes);
  t.deepEqual(ofBundle({ devices: [...devices] }, asked, found), [...nodes, none, toRead]);
  t.deepEqual(ofBundle({ devices: [...devices], resources: { devices: [] } }), [], 'an empty list is one');
});
