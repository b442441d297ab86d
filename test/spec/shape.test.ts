import test from 'ava';
import { Faults } from '../../src/spec/faults.js';
import {
  anyOf, array, assertShape, boolean, instanceOf, integer, object, oneOf, optional, record, strictObject, tagged, text, uint64, type Shape,
} from '../../src/spec/shape.js';

function faultsOf(shape: Shape<unknown>, value: unknown): string[] {
  const faults = new Faults();
  shape.check(value, '', faults);
  return faults.list.map(({ field, message, hint }) => `${field}: ${message}${hint === undefined ? '' : ` | ${hint}`}`);
}

const point = object<{ x: number; name?: string }>({ x: integer(0, 9), name: optional(text()) });
const strictPoint = strictObject<{ x: number; name?: string }>({ x: integer(0, 9), name: optional(text()) });

test('leaves', (t) => {
  const range = 'expected an integer from 0 to 9, found';
  for (const [value, found] of [[-1, '-1'], [10, '10'], [1.5, '1.5'], [NaN, 'NaN'], [5n, '5'], ['5', '"5"'], [null, 'null'], [[], 'an array']] as const) {
    t.deepEqual(faultsOf(integer(0, 9), value), [`: ${range} ${found}`]);
  }
  t.deepEqual(faultsOf(integer(0, 9), 9), []);
  for (const value of [0, 2 ** 53 - 1, 2n ** 64n - 1n]) t.deepEqual(faultsOf(uint64, value), []);
  for (const value of [-1, -1n, 2 ** 53, 2n ** 64n, '1', 0.5]) t.is(faultsOf(uint64, value).length, 1);
  t.deepEqual(faultsOf(boolean, 0), [': expected true or false, found 0']);
  t.deepEqual(faultsOf(text(), 'a\0b'), [': expected text without NUL and half surrogate pairs, found "a\\u0000b"']);
  t.deepEqual(faultsOf(text(), '\ud800'), [': expected text without NUL and half surrogate pairs, found "\\ud800"']);
  t.deepEqual(faultsOf(text(), '😀'), []);
  t.deepEqual(faultsOf(text('digits', /^\d+$/), 'x'.repeat(100)), [`: expected digits, found "${'x'.repeat(64)}…"`]);
  t.deepEqual(faultsOf(oneOf('a colour', ['red', 'green']), 'gren'), [': expected a colour (red, green), found "gren" | did you mean "green"?']);
  t.deepEqual(faultsOf(instanceOf(AbortSignal), {}), [': expected an instance of AbortSignal, found an object']);
  t.deepEqual(faultsOf(instanceOf(AbortSignal), AbortSignal.abort()), []);
});

test('what a terminal would act on is shown escaped', (t) => {
  t.deepEqual(faultsOf(boolean, '\u001b[2J\u0085\u202e"\\'), [': expected true or false, found "\\u001b[2J\\u0085\\u202e\\"\\\\"']);
  t.throws(() => { assertShape(strictPoint, { x: 1, '\u001b[2J': 1 }, 'ERR_TSRUN_INVALID_SPEC', 'point'); }, {
    message: 'point /\\u001b[2J: unknown field',
  });
});

test('arrays and records', (t) => {
  t.deepEqual(faultsOf(array(integer(0, 9)), [1, 'a', 3, 44]), [
    '/1: expected an integer from 0 to 9, found "a"',
    '/3: expected an integer from 0 to 9, found 44',
  ]);
  t.deepEqual(faultsOf(array(text(), 1), []), [': expected an array of at least 1, found 0']);
  t.deepEqual(faultsOf(array(text(), 0, 1), ['', '']), [': expected at most 1 entries, found 2']);
  t.deepEqual(faultsOf(array(text()), new Array(1)), ['/0: expected text, found nothing']);
  t.deepEqual(faultsOf(array(text()), { length: 0 }), [': expected an array, found an object']);
  t.deepEqual(faultsOf(record(text()), { 'a/b~': 1 }), ['/a~1b~0: expected text, found 1']);
  t.deepEqual(faultsOf(record(text(), text('a letter', /^[a-z]$/)), { ab: '' }), ['/ab: expected a letter, found "ab"']);
  for (const value of [new Map(), new Date(), Buffer.alloc(1), [], null, 'x', () => 1]) t.is(faultsOf(record(text()), value).length, 1);
  t.deepEqual(faultsOf(record(text()), process.env), []);
});

test('unknown keys of the spec pass unless they are slips', (t) => {
  for (const key of ['com.example', 'vendor', 'nickname', 'y2k', '__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.deepEqual(faultsOf(point, { x: 1, ...JSON.parse(`{${JSON.stringify(key)}: 1}`) }), [], key);
  }
  for (const key of ['Name', 'NAME', 'nme', 'naame', 'nane', 'nmae', 'names']) {
    t.deepEqual(faultsOf(point, { x: 1, [key]: 1 }), [`/${key}: unknown field | did you mean "name"?`]);
  }
});

test('strict objects refuse every unknown key', (t) => {
  t.deepEqual(faultsOf(strictPoint, { x: 1, vendor: 1 }), ['/vendor: unknown field']);
  t.deepEqual(faultsOf(strictPoint, { x: 1, nam: 1 }), ['/nam: unknown field | did you mean "name"?']);
  t.deepEqual(faultsOf(strictPoint, JSON.parse('{"x":1,"__proto__":1}')), ['/__proto__: unknown field']);
  t.deepEqual(faultsOf(strictPoint, { x: 1, constructor: 1 }), ['/constructor: unknown field']);
});

test('absent and undefined are the same, inherited does not count', (t) => {
  t.deepEqual(faultsOf(strictPoint, { x: 1, name: undefined, other: undefined }), []);
  const missing = ['/x: expected an integer from 0 to 9, found nothing'];
  t.deepEqual(faultsOf(point, {}), missing);
  t.deepEqual(faultsOf(point, { x: undefined }), missing);
  t.deepEqual(faultsOf(point, Object.create({ x: 1 })), missing);
});

test('unions tell the faults of the alternative that fits', (t) => {
  const choice = anyOf(oneOf('a word', ['new', 'host']), strictObject<{ path: string }>({ path: text() }), strictObject<{ fd: number }>({ fd: integer(0, 9) }));
  for (const value of ['new', { path: '/x' }, { fd: 3 }]) t.deepEqual(faultsOf(choice, value), []);
  t.deepEqual(faultsOf(choice, 'hots'), [': expected a word (new, host) or { path } or { fd }, found "hots" | did you mean "host"?']);
  t.deepEqual(faultsOf(choice, { path: 1 }), ['/path: expected text, found 1']);
  t.deepEqual(faultsOf(choice, { fd: 10 }), ['/fd: expected an integer from 0 to 9, found 10']);
});

test('tagged unions', (t) => {
  const shape = tagged('kind', {
    a: strictObject<{ kind: 'a'; size: number }>({ kind: oneOf('a kind', ['a']), size: integer(0, 9) }),
    b: strictObject<{ kind: 'b' }>({ kind: oneOf('a kind', ['b']) }),
  });
  t.deepEqual(faultsOf(shape, { kind: 'a', size: 1 }), []);
  t.deepEqual(faultsOf(shape, { kind: 'b', size: 1 }), ['/size: unknown field']);
  t.deepEqual(faultsOf(shape, { kind: 'constructor' }), ['/kind: expected a kind (a, b), found "constructor"']);
  t.deepEqual(faultsOf(shape, {}), ['/kind: expected a kind (a, b), found nothing']);
});

test('the first fault is raised with the count of the others, and a flood of faults is bounded', (t) => {
  t.throws(() => { assertShape(array(text()), [1, 2, 3], 'ERR_TSRUN_INVALID_ARGUMENT', 'list'); }, {
    code: 'ERR_TSRUN_INVALID_ARGUMENT',
    message: 'list /0: expected text, found 1 (and 2 more)',
  });
  t.is(faultsOf(array(text()), new Array(100_000).fill(1)).length, 20);
});
