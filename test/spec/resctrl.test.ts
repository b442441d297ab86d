/** Schemata of resctrl: their order, and whether a group has what is asked for. */
import test from 'ava';
import { hasSchemata, schemataLines } from '../../src/spec/resctrl.js';

test('l3 first, bandwidth next, free lines last', (t) => {
  t.deepEqual(schemataLines({ schemata: ['L2:0=1'], memBwSchema: 'MB:0=50', l3CacheSchema: 'L3:0=f' }), ['L3:0=f', 'MB:0=50', 'L2:0=1']);
  t.deepEqual(schemataLines({ closID: 'one', l3CacheSchema: '' }), []);
});

test('each domain that is named must have its value', (t) => {
  const present = '    MB:0=100;1= 50\n    L3:0=0000f;1=fffff\n';
  t.true(hasSchemata(present, []));
  t.true(hasSchemata(present, ['L3:0=f', 'MB:1=50;0=100']));
  t.false(hasSchemata(present, ['L3:0=ff']));
  t.false(hasSchemata(present, ['L3:2=f']));
  t.false(hasSchemata(present, ['L2:0=f']));
});
