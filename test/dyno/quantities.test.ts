import test from 'ava';
import { parseQuantities } from '../../src/dyno/quantities.js';
import { TsrunError } from '../../src/spec/errors.js';

test('quantities by commas, as foreman has them, or by spaces, as heroku ps:scale has them', (t) => {
  const rows: [text: string, quantities: Record<string, number>][] = [
    ['web=2,worker=1', { web: 2, worker: 1 }],
    ['web=2 worker=0', { web: 2, worker: 0 }],
    [' web=1000, ', { web: 1000 }],
    ['Web_2-x=3', { 'Web_2-x': 3 }],
  ];
  for (const [text, quantities] of rows) t.deepEqual(parseQuantities(text), quantities, text);
});

test('what is no formation is refused, with the word that is wrong', (t) => {
  const rows: [text: string, message: RegExp][] = [
    ['', /no process type is named/],
    [',', /no process type is named/],
    ['web', /expected TYPE=NUMBER with at most 1000, found "web"/],
    ['web=', /found "web="/],
    ['web=-1', /found "web=-1"/],
    ['web=1.5', /found "web=1.5"/],
    ['web=1001', /found "web=1001"/],
    ['we b=1', /found "we"/],
    ['ünder=1', /found "ünder=1"/],
    ['web=1,web=2', /"web" stands there twice/],
    ['web=1\u001b[2J', /found "web=1\\u001b\[2J"/],
  ];
  for (const [text, message] of rows) {
    const error = t.throws(() => parseQuantities(text), { instanceOf: TsrunError, code: 'ERR_TSRUN_INVALID_ARGUMENT' }, text);
    t.regex(error.message, message);
    t.is(error.hint, 'write web=2,worker=1');
  }
});
