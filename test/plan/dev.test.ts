/** /dev of a container: its nodes, and the mount itself. */
import test from 'ava';
import { mountAttributes } from '../../src/plan/mount-options.js';
import { normalPath } from '../../src/spec/inner-path.js';
import type { Device } from '../../src/spec/types.js';
import { fault } from '../container/build/build-support.js';
import { planOfBundle, planOfMount, stepsOf } from './bundles.js';
import { host } from './support.js';

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

test('no device takes the place of a link: the terminals\' multiplexer is the container\'s own', (t) => {
  const plan = planOfBundle({ linux: { namespaces, devices: [{ type: 'c', path: '/dev/ptmx', major: 5, minor: 2 }, fuse] } });
  t.deepEqual(stepsOf(plan, 'makeNode').map(({ name }) => name).filter((name) => ['ptmx', 'fuse'].includes(name)), ['fuse']);
  t.deepEqual(stepsOf(plan, 'makeLink').filter(({ name }) => name === 'ptmx').map(({ target }) => target), ['pts/ptmx']);
});

test('a device that is not below /dev has a place of its own, and none of an ordinary user\'s', (t) => {
  for (const path of ['/etc/null', '/dev/../etc/null', '/devices']) {
    const spec = { linux: { namespaces, devices: [fuse, { ...fuse, path }, { ...fuse, path: '/x' }] } };
    const plan = planOfBundle(spec);
    t.deepEqual(stepsOf(plan, 'attachNodes').map(({ targets }) => targets), [[normalPath(path), '/x']]);
    t.deepEqual(stepsOf(plan, 'makeNode').slice(-2).map(({ name }) => name), ['0', '1']);
    const error = fault(() => planOfBundle(spec, { host: ordinary, hostNodes }));
    t.like(error, { code: 'ERR_TSRUN_UNSUPPORTED', field: '/linux/devices/1/path' }, path);
  }
});

const ordinary = { ...host, uid: 1000, gid: 1000, supports: { ...host.supports, deviceProgram: false } };
const hostNodes = new Map<string, Device>([
  ['/dev/fuse', { ...fuse, fileMode: 0o666, uid: 0, gid: 0 }],
  ['/dev/kmsg', { type: 'c', path: '/dev/kmsg', major: 1, minor: 11, fileMode: 0o644, uid: 0, gid: 0 }],
]);

const boundFor = (device: Device) => {
  const plan = planOfBundle({ linux: { namespaces, devices: [device] } }, { host: ordinary, hostNodes });
  return plan.steps.filter(({ field }) => field === '/linux/devices/0').map(({ step }) => step.op);
};

test('an ordinary user is given the host\'s own node, where it is the one that was asked for', (t) => {
  for (const more of [{}, { fileMode: 0o666 }, { fileMode: 0o20666, uid: 0, gid: 0 }, { type: 'u' as const }, { path: '/dev//fuse' }]) {
    t.deepEqual(boundFor({ ...fuse, ...more }), ['openTree', 'attachMount'], JSON.stringify(more));
  }
});

test('what the host\'s node is not, an ordinary user is refused', (t) => {
  const rows: [device: Device, field: string, message: RegExp][] = [
    [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 3 }, '/linux/devices/0', /is c 1:11, not c 1:3/],
    [{ ...fuse, type: 'b' }, '/linux/devices/0', /is c 10:229, not b 10:229/],
    [{ ...fuse, fileMode: 0o600 }, '/linux/devices/0/fileMode', /mode 0666, not 0600/],
    [{ ...fuse, uid: 5 }, '/linux/devices/0/uid', /cannot be given to user 5/],
    [{ ...fuse, gid: 6 }, '/linux/devices/0/gid', /cannot be given to group 6/],
    [{ ...fuse, path: '/dev/no-such' }, '/linux/devices/0/path', /and there is none/],
    [{ type: 'p', path: '/dev/fuse' }, '/linux/devices/0', /is c 10:229, not a FIFO/],
  ];
  for (const [device, field, message] of rows) {
    const error = fault(() => boundFor(device));
    t.like(error, { code: 'ERR_TSRUN_HOST', field }, JSON.stringify(device));
    t.regex(error.message, message);
  }
});

test('root makes the node as it is asked for, whatever the host has', (t) => {
  const device: Device = { type: 'c', path: '/dev/kmsg', major: 1, minor: 3, fileMode: 0o600, uid: 5 };
  t.like(stepsOf(planOfBundle({ linux: { namespaces, devices: [device] } }, { hostNodes }), 'makeNode').at(-1), { major: 1, minor: 3, mode: 0o20600, uid: 5 });
});

const dev = { destination: '/dev', type: 'tmpfs', source: 'tmpfs' };

test('a read-only /dev is one once everything is in it, and before the root is left', (t) => {
  for (const word of ['ro', 'rro']) {
    const plan = planOfBundle({
      process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', terminal: true },
      mounts: [{ ...dev, options: ['nosuid', word, 'mode=755'] }, { destination: '/dev/pts', type: 'devpts' }],
      linux: { namespaces, devices: [fuse] },
    });
    const ops = plan.steps.map(({ step }) => step.op);
    const at = ops.indexOf('remount');
    t.like(plan.steps[at], { field: '/mounts/0/options', step: { op: 'remount', target: '/dev', set: mountAttributes.readonly } });
    t.is(ops.lastIndexOf('remount'), at);
    for (const before of ['makeNode', 'makeMount', 'attachMount', 'openTerminal'] as const) t.true(ops.lastIndexOf(before) < at, before);
    t.true(at < ops.indexOf('pivotRoot'));
    const { readonly, nosuid } = mountAttributes;
    t.deepEqual(stepsOf(plan, 'makeTmpfs').filter(({ options }) => options.includes('mode=755')).map(({ attributes }) => BigInt(attributes) & (readonly | nosuid)), [nosuid]);
  }
  t.deepEqual(stepsOf(planOfMount({ ...dev, options: ['nosuid'] }, { namespaces }), 'remount'), []);
});

test('other words of /dev are done too, but for nodev, with which no node in it would work', (t) => {
  const plan = planOfMount({ ...dev, options: ['rnosuid', 'nodev', 'rnoexec', 'rslave', 'mode=755'] }, { namespaces });
  const { nosuid, noexec } = mountAttributes;
  t.is(stepsOf(plan, 'makeTmpfs').find(({ options }) => options.includes('mode=755'))?.attributes, nosuid | noexec);
  t.deepEqual(stepsOf(plan, 'setPropagation'), [{ op: 'setPropagation', target: '/dev', propagation: 1 << 19, recursive: true }]);
  t.like(fault(() => planOfMount({ ...dev, options: ['tmpcopyup'] }, { namespaces })), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts/0/options' });
});
