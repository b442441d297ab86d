/** Mounts for a container that is there: who makes what, in which order, and what is refused. */
import test from 'ava';
import { compileAddedMounts, compileRemovedMounts, type AddedMountsInput } from '../../src/plan/compile-live-mounts.js';
import type { Linux, Mount } from '../../src/spec/types.js';
import { validateSpec } from '../../src/spec/validate.js';
import { fault } from '../container/build/build-support.js';
import { ownUsers, stepsOf } from './bundles.js';
import { host } from './support.js';

const target = { pid: 7, startTicks: 8 };
const bind = { destination: '/vol', type: 'bind', source: '/srv', options: ['bind'] };
const tmpfs = { destination: 'tmp/', type: 'tmpfs' };
const unbindable = 1 << 17;

function inputOf(mounts: Mount[], linux: Linux = { namespaces: [{ type: 'mount' }] }): AddedMountsInput {
  return { host, target, spec: validateSpec({ ociVersion: '1.3.0', root: { path: '/' }, process: { user: { uid: 0, gid: 0 }, args: ['x'], cwd: '/' }, linux }), mounts, hasPeers: false };
}

function opsOf(mounts: Mount[], linux?: Linux): string[] {
  return compileAddedMounts(inputOf(mounts, linux)).steps.map(({ step }) => step.op);
}

test('the launcher makes, and whoever joined attaches; nothing is executed', (t) => {
  t.deepEqual(opsOf([bind, tmpfs]), ['openProcess', 'openTree', 'setMount', 'makeTmpfs', 'clone', 'joinNamespaces', 'dieWithLauncher', 'enterRoot', 'attachMount', 'attachMount', 'finish']);
  t.deepEqual(compileRemovedMounts(inputOf([bind, tmpfs])).steps.map(({ step }) => step.op), ['openProcess', 'clone', 'joinNamespaces', 'dieWithLauncher', 'enterRoot', 'detachMount', 'detachMount', 'finish']);
  const plan = compileAddedMounts(inputOf([bind, tmpfs]));
  t.deepEqual(stepsOf(plan, 'attachMount').map((step) => [step.target, step.follow, step.onLink]), [['/vol', true, false], ['/tmp', true, false]]);
  t.like(stepsOf(plan, 'openProcess')[0], target);
  t.like(stepsOf(plan, 'clone')[0], { flags: 0, cgroup: null, joins: [] });
  t.is(stepsOf(plan, 'joinNamespaces')[0]?.kinds, 0x0002_0000);
});

test('into a user namespace it goes as its root, and what is made is that one\'s', (t) => {
  const plan = compileAddedMounts(inputOf([{ ...tmpfs, options: ['gid=5', 'uid=0x3', 'uid=0x4', 'mode=700'] }, tmpfs], ownUsers));
  t.is(stepsOf(plan, 'joinNamespaces')[0]?.kinds, 0x1002_0000);
  t.like(stepsOf(plan, 'setIds')[0], { uid: 0, gid: 0 });
  t.deepEqual(stepsOf(plan, 'makeTmpfs').map(({ options }) => options), [['mode=700', 'uid=100004', 'gid=100005'], ['uid=100000', 'gid=100000']]);
});

test('of a container with mounts of the host\'s nothing is attached where it would be passed on', (t) => {
  const withPeers = (mounts: Mount[]) => compileAddedMounts({ ...inputOf(mounts), hasPeers: true });
  for (const mount of [bind, { ...bind, options: ['rbind', 'private'] }, tmpfs, { ...tmpfs, options: ['rprivate'] }]) {
    const plan = withPeers([mount]);
    t.is(stepsOf(plan, 'setMount').at(-1)?.propagation, unbindable);
    t.like(stepsOf(plan, 'setPropagation')[0], { propagation: 1 << 18 });
    t.deepEqual(plan.steps.map(({ step }) => step.op).slice(-3), ['attachMount', 'setPropagation', 'finish']);
  }
  t.deepEqual(stepsOf(withPeers([{ ...bind, options: ['bind', 'unbindable'] }]), 'setPropagation'), []);
  t.like(fault(() => withPeers([{ ...bind, options: ['bind', 'rslave'] }])), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts/0/options' });
  t.is(stepsOf(compileAddedMounts(inputOf([{ ...bind, options: ['bind', 'rslave'] }])), 'setMount')[0]?.propagation, 1 << 19);
});

test('what cannot be done safely to one that is there is refused', (t) => {
  const rows: readonly (readonly [mount: Mount, field: string])[] = [
    [{ ...bind, destination: '/' }, 'destination'], [{ ...bind, destination: '/a/..' }, 'destination'], [{ ...tmpfs, options: ['tmpcopyup'] }, 'options'], [{ ...bind, options: ['bind', 'remount'] }, 'options'],
    [{ ...bind, options: ['bind', 'copy-symlink'] }, 'options'], [{ destination: '/x', type: 'proc' }, 'type'], [{ destination: '/x' }, 'type'], [{ ...tmpfs, options: ['idmap'] }, 'options'],
  ];
  for (const [mount, field] of rows) t.like(fault(() => compileAddedMounts(inputOf([mount]))), { code: 'ERR_TSRUN_UNSUPPORTED', field: `/mounts/0/${field}` }, JSON.stringify(mount));
  for (const namespaces of [[], [{ type: 'mount' as const, path: '/proc/1/ns/mnt' }]]) {
    for (const compile of [compileAddedMounts, compileRemovedMounts]) t.like(fault(() => compile({ ...inputOf([tmpfs], { namespaces }) })), { code: 'ERR_TSRUN_UNSUPPORTED' });
  }
  const walls: Linux = { namespaces: [{ type: 'mount' }], maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys/'] };
  for (const destination of ['/proc/kcore', 'proc/./sys', '/']) t.like(fault(() => compileRemovedMounts(inputOf([{ destination }], walls))), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts/0/destination' });
});
