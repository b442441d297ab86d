// Files over those of the kernel, and pressure: what is made of them in the cgroup and in the container.
import test from 'ava';
import type { RunOptions } from '../../src/container/options/options.js';
import { compilePlan } from '../../src/plan/compile.js';
import { compile, host, type Compiled } from './support.js';

const steps = ({ plan }: Compiled, ...ops: string[]) => plan.steps.flatMap(({ step }) => (ops.includes(step.op) ? [step] : []));
const shown: RunOptions = { shownLimits: { memory: '1m' } };

test('a file of cgroup v1 lies in a cgroup below the container\'s, in a tmpfs that is read-only in the end', (t) => {
  const compiled = compile({ options: shown });
  t.like(steps(compiled, 'makeCgroupFolder')[0], { name: 'memory' });
  const after = compiled.plan.steps.map(({ step }) => step).filter((step) => JSON.stringify(step, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)).includes('/sys/fs/cgroup/memory'));
  t.deepEqual(after.map(({ op }) => op), ['makeMount', 'writeFile', 'remount']);
  t.like(after[0], { type: 'tmpfs', target: '/sys/fs/cgroup/memory', follow: false });
  t.like(after[2], { set: 1n });
  t.like(steps(compiled, 'coverFiles')[0], { paths: ['/proc/meminfo'], mode: 0o444 });
});

test('where the cgroup that is seen is not the container\'s own, only what is covered in /proc is left', (t) => {
  for (const options of [{ ...shown, namespaces: { cgroup: 'host' } }] satisfies RunOptions[]) {
    t.deepEqual(steps(compile({ options }), 'makeCgroupFolder'), []);
    t.is(steps(compile({ options }), 'coverFiles').length, 1);
  }
  const { cgroupPath, ...homeless } = compile({ options: shown }).input;
  t.is(typeof cgroupPath, 'string');
  t.false(compilePlan(homeless).steps.some(({ step }) => step.op === 'makeCgroupFolder'));
  t.deepEqual(steps(compile({}), 'makeCgroupFolder', 'coverFiles', 'watchPressure'), []);
});

test('pressure is watched with a trigger that needs no right, or refused', (t) => {
  const options: RunOptions = { pressure: ['memory', 'cpu'] };
  const counting = { ...host, cgroup: { ...host.cgroup, files: [...(host.cgroup.files ?? []), 'memory.pressure', 'cpu.pressure'] } };
  t.deepEqual(steps(compile({ options, host: counting }), 'watchPressure').map((step) => (step.op === 'watchPressure' ? [step.file, step.trigger] : [])), [
    ['memory.pressure', 'some 200000 2000000'],
    ['cpu.pressure', 'some 200000 2000000'],
  ]);
  const without = { ...host, cgroup: { ...host.cgroup, files: ['cpu.pressure'] } };
  t.throws(() => compile({ options, host: without }), { code: 'ERR_TSRUN_HOST', message: /pressure on memory: this kernel does not count it/ });
  const { cgroupPath, ...homeless } = compile({ options, host: counting }).input;
  t.is(typeof cgroupPath, 'string');
  t.throws(() => compilePlan(homeless), { code: 'ERR_TSRUN_HOST', message: /no cgroup can be made here/ });
});
