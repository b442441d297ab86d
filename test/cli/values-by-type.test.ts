import test from 'ava';
import { oneOf, seconds, signal } from '../../src/cli/values/basic.js';
import { byType } from '../../src/cli/values/by-type.js';
import { accepts, rejects } from './support.js';

const delivery = byType(oneOf('DELIVERY', ['all', 'main', 'mixed']));

test('a value for types that are named, and one for all others', (t) => {
  accepts(t, delivery, [
    ['main', { all: 'main', types: {} }],
    ['web=main', { types: { web: 'main' } }],
    ['web=main,all,my-job=mixed', { all: 'all', types: { web: 'main', 'my-job': 'mixed' } }],
  ]);
  accepts(t, byType(signal), [['web=QUIT,15', { all: '15', types: { web: 'QUIT' } }]]);
  accepts(t, byType(seconds), [['web=-1,5', { all: 5000, types: { web: -1 } }]]);
  rejects(t, delivery, [['', /all/], ['web=', /all/], ['web=some', /all/], ['main,all', 'two values for all types'], ['web=main,web=all', 'two values for the type "web"'], ['a b=main', /all/]]);
});
