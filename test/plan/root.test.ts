/** The root: what it needs of the kernel. */
import test from 'ava';
import { fault } from '../container/build/build-support.js';
import { stepsOf } from './bundles.js';
import { compilePlan } from '../../src/plan/compile.js';
import type { PlanInput } from '../../src/plan/input.js';
import { compile, host } from './support.js';

const old = { ...host, kernel: { major: 5, minor: 15, release: '5.15.0' } };

test('layers of an overlay are id-mapped from Linux 5.19 on, a folder before that', (t) => {
  t.like(fault(() => compile({ host: old })), { code: 'ERR_TSRUN_HOST', field: '/linux/uidMappings' });
  const { plan } = compile({ host: old, options: { root: 'writable' } });
  const [root] = stepsOf(plan, 'setMount');
  t.is(typeof root?.idMap, 'number');
  t.deepEqual(stepsOf(plan, 'makeOverlay'), []);
});

test('what stays writable is so before the root is read-only and after everything is in it; in a folder that is somebody\'s nothing does', (t) => {
  const { input } = compile({ options: { root: 'read-only' } });
  const extensions = { ...input.extensions, writablePaths: ['/a/b', '/a'] };
  const plan = compilePlan({ ...input, extensions });
  t.deepEqual(stepsOf(plan, 'keepWritable').map(({ target }) => target), ['/a/b', '/a']);
  t.deepEqual(plan.steps.map(({ step }) => step.op).filter((op) => ['attachMount', 'makeMount', 'writeFile', 'keepWritable', 'remount', 'pivotRoot'].includes(op)).slice(-4), ['keepWritable', 'keepWritable', 'remount', 'pivotRoot']);
  const folder = { ...input, extensions: { ...extensions, root: { kind: 'writable' } as const } };
  t.deepEqual([stepsOf(compilePlan(folder), 'keepWritable').length, stepsOf(compilePlan(folder), 'remount').length], [0, 1]);
  t.deepEqual(stepsOf(compilePlan({ ...compile({}).input, extensions: { writablePaths: ['/a'], root: { kind: 'disposable', sizeBytes: 0 } } }), 'keepWritable'), []);
});

test('a folder whose files belong to the container\'s ids is not id-mapped', (t) => {
  const { input } = compile({ options: { root: 'writable' } });
  t.deepEqual(stepsOf(compilePlan(input), 'makeIdMap').length, 1);
  t.deepEqual(stepsOf(compilePlan({ ...input, rootOwned: true }), 'makeIdMap'), []);
});

test('a root in mounts of others is put together before the process goes there', (t) => {
  const { input } = compile({ options: { root: 'writable', namespaces: { user: 'host' } } });
  const namespaces = (input.spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'mount');
  const hookState = { ociVersion: '1.3.0', id: 'one', bundle: '/bundle' };
  const shared = { ...input, spec: { ...input.spec, root: { path: 'rootfs' }, linux: { ...input.spec.linux, namespaces } } };
  const wanted = ['openNamespace', 'clone', 'attachRoot', 'pivotRoot', 'takeRootAlong', 'enterRoot', 'setDirectory'];
  const plan = compilePlan({ ...shared, ociRuntime: { hookState } });
  t.deepEqual(plan.steps.map(({ step }) => step.op).filter((op) => wanted.includes(op)), wanted);
  t.deepEqual(stepsOf(plan, 'clone').map(({ joins, flags }) => [joins.length, BigInt(flags) & 0x0002_0000n]), [[0, 0x0002_0000n]]);
  t.like(fault(() => compilePlan(shared)), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/root/path' });
});

test('nodes in the root are of use in containers of tsrun-oci whose device rules hold, and that have the host\'s users', (t) => {
  const nodev = 4n;
  const deviceRules = (allow: boolean) => ({ resources: { devices: [{ allow, access: 'rwm' }] } });
  const hostUsers = compile({ options: { root: 'writable', namespaces: { user: 'host' } } }).input;
  const ownUsers = compile({ options: { root: 'writable' } }).input;
  const ociRuntime = { hookState: { ociVersion: '1.3.0', id: 'one', bundle: '/bundle' } };
  const noPrograms = { ...host, supports: { ...host.supports, deviceProgram: false } };
  const isNodev = (input: PlanInput) => stepsOf(compilePlan(input), 'setMount').some(({ set }) => (BigInt(set) & nodev) !== 0n);
  const withRules = (input: PlanInput, allow: boolean): PlanInput => ({ ...input, spec: { ...input.spec, mounts: [], linux: { ...input.spec.linux, ...deviceRules(allow) } } });
  for (const allow of [true, false]) {
    t.false(isNodev(withRules({ ...hostUsers, ociRuntime }, allow)));
    t.true(isNodev(withRules({ ...ownUsers, ociRuntime }, allow)), 'a user namespace');
    t.true(isNodev(withRules(hostUsers, allow)), 'the library\'s');
  }
  t.false(isNodev(withRules({ ...hostUsers, ociRuntime, host: noPrograms }, true)), 'there is no rule to hold');
  t.true(isNodev(withRules({ ...hostUsers, ociRuntime, host: noPrograms }, false)), 'no program holds the rules');
});
