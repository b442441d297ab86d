/** What a launcher would not take is refused before anything is touched, by the name of what there is too much of. */
import test from 'ava';
import { encodePlan, PlanBuilder } from '../../src/plan/plan.js';
import { maxSlots, maxSteps } from '../../src/plan/wire.generated.js';
import { compile } from './support.js';

const binds = (count: number) => Array.from({ length: count }, (_, index) => ({ type: 'bind', source: '/srv', destination: `/volumes/${index}` }) as const);

test('more mounts than a launcher holds descriptors', (t) => {
  const error = t.throws(() => compile({ options: { mounts: binds(600) } }));
  t.like(error, { code: 'ERR_TSRUN_UNSUPPORTED', field: '/mounts', message: 'the container would need more than 512 descriptors, which one launcher\'s plan does not hold' });
  t.regex(String(Reflect.get(error, 'hint')), /mounts/);
  t.true(compile({ options: { mounts: binds(400) } }).plan.slotCount <= maxSlots, 'control');
});

test('more steps than a launcher does', (t) => {
  const builder = new PlanBuilder();
  const add = () => {
    builder.add(`/linux/sysctl/net.${builder.finish().steps.length}`, { op: 'writeSysctl', file: 'sys/net', value: '1' });
  };
  builder.add('/mounts/0', { op: 'pivotRoot' });
  while (builder.finish().steps.length < maxSteps) add();
  t.notThrows(() => encodePlan(builder.finish()));
  add();
  t.like(t.throws(() => builder.finish()), { code: 'ERR_TSRUN_UNSUPPORTED', field: '/linux/sysctl', message: 'the container would need more than 4096 steps, which one launcher\'s plan does not hold' });
});
