/** Mounts of a bundle: what each of their words becomes, and what is refused because it would be nothing. */
import test from 'ava';
import { mountAttributes, readMountOptions } from '../../src/plan/mount-options.js';
import type { Linux, Mount } from '../../src/spec/types.js';
import { fault } from '../container/build/build-support.js';
import { map, maps, ownUsers, planOfBundle, planOfMount, stepsOf } from './bundles.js';
import { host } from './support.js';

const bind = { destination: '/vol', type: 'bind', source: '/srv' };

test('names of what every object has are no words of a mount', (t) => {
  for (const word of ['constructor', 'toString', 'rvalueOf', '__proto__', 'hasOwnProperty']) {
    t.deepEqual(readMountOptions([word]).data, [word]);
    t.like(fault(() => planOfMount({ ...bind, options: ['bind', word] })), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/mounts/0/options' }, word);
  }
  for (const type of ['constructor', 'toString']) {
    const plan = planOfMount({ destination: '/x', type, source: 'x' });
    t.true(plan.steps.some(({ step }) => step.op === 'makeMount' && step.type === type), 'the kernel says what it knows');
  }
});

const propagation = { shared: 1 << 20, private: 1 << 18, slave: 1 << 19, unbindable: 1 << 17 };

/** How the trees of the mount are changed, in order; the root is changed before. */
function changes(options: string[], more: Partial<Mount> = {}, linux?: Linux) {
  const plan = planOfMount({ ...bind, options, ...more }, linux);
  return stepsOf(plan, 'setMount').slice(1).map(({ recursive, set, propagation: word, idMap }) => ({ recursive, set, propagation: word, mapped: idMap !== null }));
}

test('what is said of a bind without an r is for the mount alone', (t) => {
  const { readonly, nosuid } = mountAttributes;
  const privately = { recursive: true, set: 0n, propagation: propagation.private, mapped: false };
  t.deepEqual(changes(['rbind', 'ro']), [privately, { recursive: false, set: readonly, propagation: 0, mapped: false }]);
  t.deepEqual(changes(['rbind', 'ro', 'ridmap']), [{ ...privately, mapped: true }, { recursive: false, set: readonly, propagation: 0, mapped: false }]);
  t.deepEqual(changes(['rbind', 'ro', 'rnosuid', 'idmap']), [{ ...privately, set: nosuid }, { recursive: false, set: readonly, propagation: 0, mapped: true }]);
  t.deepEqual(changes(['rbind', 'unbindable']), [privately, { recursive: false, set: 0n, propagation: propagation.unbindable, mapped: false }]);
  for (const word of ['shared', 'slave', 'unbindable', 'private'] as const) {
    t.deepEqual(changes(['rbind', `r${word}`]), [{ ...privately, propagation: propagation[word] }]);
    t.deepEqual(changes(['bind', word]), [{ ...privately, propagation: propagation[word] }]);
  }
});

test('the mount alone is shared with the host, or its slave, by way of a second one that was not made private', (t) => {
  for (const word of ['shared', 'slave'] as const) {
    const { steps } = planOfMount({ ...bind, options: ['rbind', word] });
    const slots = steps.flatMap(({ step }) => (step.op === 'openTree' && step.path === '/srv' ? [step.into] : []));
    const [tree, peer] = slots;
    t.is(slots.length, 2);
    t.deepEqual(steps.filter(({ field, step }) => field === '/mounts/0/options' && 'mount' in step).map(({ step }) => step), [
      { op: 'setMount', mount: tree ?? null, recursive: true, set: 0n, clear: 0n, propagation: propagation.private, idMap: null },
      { op: 'setMount', mount: peer ?? null, recursive: false, set: 0n, clear: 0n, propagation: propagation.shared, idMap: null },
      { op: 'joinPeers', mount: tree ?? null, peer: peer ?? null },
      { op: 'setMount', mount: tree ?? null, recursive: false, set: 0n, clear: 0n, propagation: propagation[word], idMap: null },
    ]);
  }
});

test('before Linux 5.15 a tree is shared whole or not at all', (t) => {
  const old = { ...host, kernel: { major: 5, minor: 14, release: '5.14.0' } };
  const linux: Linux = { namespaces: [{ type: 'mount' }] };
  const of = (...options: string[]) => () => planOfBundle({ mounts: [{ ...bind, options }], linux, root: { path: 'rootfs', readonly: true } }, { host: old });
  for (const word of ['shared', 'slave']) {
    t.like(fault(of('rbind', word)), { code: 'ERR_TSRUN_HOST', field: '/mounts/0/options' });
    t.notThrows(of('rbind', `r${word}`));
    t.notThrows(of('bind', word));
  }
});

test('maps of a mount are its own, with or without the word', (t) => {
  const mappings = { uidMappings: [{ containerID: 0, hostID: 7, size: 1 }], gidMappings: [{ containerID: 0, hostID: 8, size: 2 }] };
  for (const linux of [undefined, { namespaces: [{ type: 'mount' as const }] }]) {
    for (const word of [[], ['idmap'], ['ridmap']]) {
      const options = ['rbind', ...word];
      t.deepEqual(changes(options, mappings, linux).findLast(({ mapped }) => mapped)?.recursive, word[0] === 'ridmap', options.join());
      t.like(stepsOf(planOfMount({ ...bind, options, ...mappings }, linux), 'makeIdMap').at(-1), { uidMap: '0 7 1', gidMap: '0 8 2' });
    }
  }
  t.like(stepsOf(planOfMount({ ...bind, options: ['bind', 'idmap'] }), 'makeIdMap').at(-1), { uidMap: `0 ${map[0]?.hostID ?? 0} 65536` }, 'the container\'s, where there are none');
  t.like(fault(() => planOfMount({ ...bind, options: ['bind'], ...mappings, gidMappings: [] })), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/mounts/0/gidMappings' });
});

test('what is no bind is not id-mapped, and not made without', (t) => {
  for (const made of [{ destination: '/x', type: 'tmpfs' }, { destination: '/dev', type: 'tmpfs' }, { destination: '/proc', type: 'proc' }, { destination: '/sys', type: 'sysfs' }]) {
    t.like(fault(() => planOfMount({ ...made, ...maps })), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts/0/uidMappings' }, made.destination);
    for (const word of ['idmap', 'ridmap']) t.like(fault(() => planOfMount({ ...made, options: ['nosuid', word] })), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts/0/options' }, made.destination);
    t.notThrows(() => planOfMount({ ...made, uidMappings: [], gidMappings: [] }));
  }
});

test('what names paths of the host is made by the launcher, before the clone, and attached where it stands', (t) => {
  const shared: Linux = { namespaces: [{ type: 'mount' }] };
  const { readonly, nosuid, nodev } = mountAttributes;
  const overlay = { destination: '/x', type: 'overlay', options: ['lowerdir=/a\\,b:/c', 'upperdir=/u', 'workdir=/w', 'nosuid', 'private'] };
  const disk = { destination: '/x', type: 'ext4', source: '/dev/disk', options: ['ro', 'sync', 'lazytime', 'noload'] };
  for (const [mount, made] of [
    [overlay, { type: 'overlay', source: 'overlay', data: 'lowerdir=/a\\,b:/c,upperdir=/u,workdir=/w', flags: 0n, attributes: nosuid }],
    [disk, { type: 'ext4', source: '/dev/disk', data: 'noload', flags: 0x200_0011n, attributes: readonly }],
  ] as const) {
    const plan = planOfMount(mount, shared);
    t.like(stepsOf(plan, 'makeHostMount'), [made]);
    t.deepEqual(stepsOf(plan, 'makeMount'), []);
    const ops = plan.steps.filter(({ field, step }) => field.startsWith('/mounts/0') || step.op === 'clone').map(({ step }) => step.op);
    t.deepEqual(ops.filter((op) => op !== 'setPropagation'), ['makeHostMount', 'clone', 'attachMount']);
    t.like(stepsOf(planOfMount(mount, ownUsers), 'makeHostMount'), [{ attributes: made.attributes | nodev }]);
  }
  for (const [type, source] of [['tmpfs', '/dev/shm'], ['virtiofs', 'tag'], ['sysfs', '/sys']] as const) {
    const plan = planOfMount({ destination: '/x', type, source }, shared);
    t.is(stepsOf(plan, 'makeHostMount').length, 0, type);
    t.is(stepsOf(plan, 'makeMount').length, 1, type);
  }
});
