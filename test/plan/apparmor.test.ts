// Where the profile goes, and what becomes of one that this host cannot apply.
import test from 'ava';
import { TsrunError } from '../../src/index.js';
import { compile, host } from './support.js';

const without = { ...host, supports: { ...host.supports, apparmor: false } };

test('the profile is asked for before anything of the container is entered', (t) => {
  const { steps } = compile({ options: { apparmor: 'web' } }).plan;
  const at = steps.findIndex(({ step }) => step.op === 'setAppArmor');
  t.deepEqual(steps[at], { step: { op: 'setAppArmor', value: 'exec web' }, field: '/process/apparmorProfile' });
  t.is(steps[at - 1]?.step.op, 'clone');
});

test('a host without AppArmor confines nothing, and says so to who wants to be confined', (t) => {
  t.deepEqual(compile({ options: { apparmor: 'unconfined' }, host: without }).plan, compile({ host: without }).plan);
  const error = t.throws(() => compile({ options: { apparmor: 'web' }, host: without }), { instanceOf: TsrunError });
  t.like(error, { code: 'ERR_TSRUN_HOST', field: '/process/apparmorProfile' });
  t.regex(error.message, /'web'.*no AppArmor/);
});
