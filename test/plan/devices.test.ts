/** When device rules are held by a program, when by what can exist, and when neither will do. */
import test from 'ava';
import { deviceProgram } from '../../src/cgroup/device-program.js';
import { devicePolicy } from '../../src/cgroup/device-rules.js';
import type { RunOptions } from '../../src/container/options/options.js';
import type { HostFacts } from '../../src/host/facts.js';
import { compilePlan } from '../../src/plan/compile.js';
import { explainPlan } from '../../src/plan/explain.js';
import type { Plan } from '../../src/plan/plan.js';
import type { Device, DeviceRule } from '../../src/spec/types.js';
import { fault } from '../container/build/build-support.js';
import { bundleOf, compile, host, type Setting } from './support.js';

const withoutPrograms: HostFacts = { ...host, supports: { ...host.supports, deviceProgram: false } };
const ordinary: HostFacts = { ...withoutPrograms, uid: 1000, gid: 1000 };
const denyAll: DeviceRule = { allow: false, access: 'rwm' };

function given(access: string, options: RunOptions = {}): Setting {
  const device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 } as const;
  return { options: { devices: [{ source: '/dev/fuse', access }], ...options }, devices: [{ source: '/dev/fuse', device, access }] };
}

function bundle(rules: DeviceRule[] | undefined, devices: Device[] = [], capabilities: string[] = []): Setting {
  const namespaces = [{ type: 'mount' }, { type: 'pid' }];
  const process = { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', capabilities: { bounding: capabilities } };
  return { image: bundleOf({ ociVersion: '1.0.2', process, root: { path: 'rootfs' }, linux: { namespaces, devices, ...(rules !== undefined && { resources: { devices: rules } }) } }) };
}

function withoutCgroup(setting: Setting): Plan {
  const input = { ...compile(setting).input };
  delete input.cgroupPath;
  return compilePlan(input);
}

function steps(plan: Plan): Plan['steps'] {
  return plan.steps.filter(({ step }) => step.op === 'limitDevices');
}

test('where it can be loaded, a program holds the rules of the spec, in the container\'s cgroup before the clone', (t) => {
  const { plan, spec } = compile(given('r'));
  const [planned, ...more] = steps(plan);
  t.deepEqual(more, []);
  const cgroup = plan.steps.findIndex(({ step }) => step.op === 'makeCgroup');
  const at = plan.steps.findIndex(({ step }) => step.op === 'limitDevices');
  t.true(cgroup < at && at < plan.steps.findIndex(({ step }) => step.op === 'clone'));
  t.is(planned?.field, '/linux/resources/devices');
  const program = planned?.step.op === 'limitDevices' ? planned.step.program : undefined;
  t.deepEqual(program, deviceProgram(devicePolicy(spec.linux?.resources?.devices ?? [])));
});

test('an explanation tells what the program holds', (t) => {
  const { step, field, arguments: words } = explainPlan(compile(given('r')).plan).find(({ step: op }) => op === 'limitDevices') ?? {};
  t.deepEqual([step, field], ['limitDevices', '/linux/resources/devices']);
  t.is(words?.['cgroup'], 'cgroup');
  t.regex(words?.['program'] ?? '', /^\d+ bytes$/);
  t.regex(words?.['rules'] ?? '', /^deny all; allow c 10:229 r, c 1:3 rw, /);
});

test('nothing is loaded where all is allowed', (t) => {
  t.deepEqual(steps(compile({ options: { privileged: true } }).plan), []);
  t.deepEqual(steps(compile(bundle([{ allow: true, access: 'rwm' }])).plan), []);
  t.is(steps(compile(given('r', { privileged: true })).plan).length, 1);
  t.is(steps(compile(bundle(undefined)).plan).length, 1, 'no rule at all denies (GHSA-g54h-m393-cpwq)');
});

test('without a program the default profile is held by what can exist', (t) => {
  for (const facts of [withoutPrograms, ordinary]) {
    t.deepEqual(steps(compile({ host: facts }).plan), []);
    t.deepEqual(steps(compile({ ...given('rw'), host: facts }).plan), []);
    t.deepEqual(steps(compile({ ...given('rwm'), host: facts }).plan), []);
    t.deepEqual(steps(compile({ ...bundle([denyAll, { allow: true, type: 'c', access: 'm' }]), host: facts }).plan), [], 'as engines write it');
  }
  t.deepEqual(steps(withoutCgroup({})), []);
});

test('a device that was given with less is refused by name where that cannot be held', (t) => {
  for (const [facts, reason] of [[ordinary, /an ordinary user may not load/], [withoutPrograms, /the kernel loads no program/]] as const) {
    for (const [access, open] of [['r', 'c 10:229 w'], ['w', 'c 10:229 r'], ['m', 'c 10:229 rw']] as const) {
      const error = fault(() => compile({ ...given(access), host: facts }));
      t.like(error, { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', field: '/linux/resources/devices/1' });
      t.true(error.message.endsWith(`: ${open} would be open`), error.message);
      t.regex(error.message, reason);
      t.truthy(error.hint);
    }
  }
  t.regex(fault(() => withoutCgroup(bundle([denyAll, { allow: true, type: 'c', major: 1, minor: 3, access: 'r' }]))).message, /no cgroup can be made here: c 1:3 w would be open/);
});

test('rules of a bundle that its own nodes would break are refused', (t) => {
  const node: Device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 };
  const facts = { host: ordinary, hostNodes: new Map([['/dev/fuse', { ...node, fileMode: 0o666 }]]) };
  const field = (setting: Setting) => fault(() => compile({ ...setting, ...facts })).field;
  t.is(field(bundle([denyAll], [node])), '/linux/devices/0');
  t.is(field(bundle([denyAll, { allow: true, type: 'c', major: 10, access: 'r' }])), '/linux/resources/devices/1');
  t.is(field(bundle([{ allow: false, type: 'c', major: 1, minor: 3, access: 'w' }])), '/linux/resources/devices', 'one of the six');
  t.deepEqual(steps(compile({ ...bundle([denyAll, { allow: true, type: 'c', major: 10, access: 'rw' }], [node]), ...facts }).plan), []);
  t.deepEqual(steps(compile({ ...bundle(undefined, [node]), ...facts }).plan), []);
  t.deepEqual(steps(compile({ ...bundle([denyAll, { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' }]), ...facts }).plan), [], 'what is denied is not there');
});

test('with CAP_MKNOD and the host\'s users any node could be made: held by the program alone', (t) => {
  const setting = bundle([denyAll], [], ['CAP_MKNOD']);
  t.is(steps(compile(setting).plan).length, 1);
  t.like(fault(() => compile({ ...setting, host: withoutPrograms })), { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', field: '/linux/resources/devices' });
  t.deepEqual(steps(compile({ ...setting, host: ordinary }).plan), [], 'an ordinary user\'s capability makes no node');
  t.deepEqual(steps(compile({ ...bundle([{ allow: true, access: 'rwm' }], [], ['CAP_MKNOD']), host: withoutPrograms }).plan), []);
});
