/** Mounts of a bundle: what each of their words becomes, and what is refused because it would be nothing. */
import test from 'ava';
import { readMountOptions } from '../../src/plan/mount-options.js';
import { fault } from '../container/build-support.js';
import { planOfMount } from './bundles.js';

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
