// Of the limits that a host cannot hold, only those that nobody asked for may be left out: by limit, not by controller.
import test from 'ava';
import type { RunOptions } from '../../src/container/options/options.js';
import { compilePlan } from '../../src/plan/compile.js';
import { compile, host, type Compiled } from './support.js';

const withoutPids = { ...host, cgroup: { ...host.cgroup, controllers: ['cpu', 'memory'], v1Controllers: { pids: '/sys/fs/cgroup/pids' } } };
const pidsMaxOf = ({ plan }: Compiled) => plan.steps.flatMap(({ step }) => (step.op === 'writeCgroup' && step.file === 'pids.max' ? [step.value] : []));

test('a default that the host cannot hold is left out, one that was asked for in whatever words is refused', (t) => {
  t.deepEqual(pidsMaxOf(compile({ host: withoutPids })), []);
  const refused: readonly (readonly [RunOptions, string])[] = [
    [{ pids: 5 }, '/linux/resources/pids/limit'],
    [{ unified: { 'pids.max': '5' } }, '/linux/resources/unified/pids.max'],
    [{ strict: true }, '/linux/resources/pids/limit'],
  ];
  for (const [options, field] of refused) {
    t.throws(() => compile({ host: withoutPids, options }), { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', message: /'pids', which is on cgroup v1/ }, field);
  }
});

test('beside a default of the same controller, too, and where no cgroup can be made', (t) => {
  const { input } = compile({});
  const spec = { ...input.spec, linux: { ...input.spec.linux, resources: { pids: { limit: 1024 }, unified: { 'pids.max': '5' } } } };
  const fault = { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', message: /unified\/pids\.max/ };
  t.throws(() => compilePlan({ ...input, spec, host: withoutPids }), fault);
  const { cgroupPath, ...homeless } = input;
  t.is(typeof cgroupPath, 'string');
  t.notThrows(() => compilePlan(homeless));
  t.throws(() => compilePlan({ ...homeless, spec }), { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE', message: /so pids\.max cannot be set/ });
});

test('who names the file of a default has asked for it, and gets it alone', (t) => {
  t.deepEqual(pidsMaxOf(compile({})), ['1024']);
  t.deepEqual(pidsMaxOf(compile({ options: { unified: { 'pids.max': '5' } } })), ['5']);
  t.is(compile({ options: { unified: { 'pids.max': 'max' } }, host: withoutPids }).extensions.defaultedLimits, undefined);
});

test('a cgroup that is there is opened, and limited as one that is made', (t) => {
  const { input } = compile({});
  const steps = (cgroupIsThere: boolean) => compilePlan({ ...input, cgroupIsThere }).steps.map(({ step }) => step.op);
  const made = steps(false);
  t.deepEqual(steps(true), made.map((op) => (op === 'makeCgroup' ? 'openCgroup' : op)));
  t.true(made.includes('makeCgroup') && made.includes('writeCgroup'));
  t.like(compilePlan({ ...input, cgroupIsThere: true }).steps.find(({ step }) => step.op === 'openCgroup')?.step, { path: input.cgroupPath });
});
