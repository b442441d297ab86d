import test from 'ava';
import fc from 'fast-check';
import { TsrunError } from '../../src/spec/errors.js';
import { parseJson, parseJsonBytes, type JsonValue } from '../../src/spec/json.js';
import { faultOf } from './mutate.js';

function failure(text: string): TsrunError {
  const error = faultOf(() => parseJson(text, 'c'));
  if (error === undefined) throw new Error('was read');
  return error;
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? Number(member) : member));
}

test('reads what JSON.parse reads', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      // What is refused on purpose: NUL, half surrogate pairs, integers that may not fit in 64 bits.
      if (/\\u0000|\\ud[89a-f]|\d{19}/.test(text)) return;
      t.is(stringify(parseJson(text, 'x')), stringify(JSON.parse(text)));
    }),
    { numRuns: 400 },
  );
});

test('refuses what JSON.parse refuses', (t) => {
  const alphabet = fc.constantFrom(...'{}[]",:0123456789.eE+-\\/ntfalsrue \n\t\'#'.split(''));
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 12 }), (characters) => {
      const text = characters.join('');
      let reference: unknown;
      try {
        reference = JSON.parse(text);
      } catch {
        t.throws(() => parseJson(text, 'x'), { instanceOf: TsrunError }, text);
        return;
      }
      // Valid JSON may be refused here for its numbers and duplicate keys, but never read differently.
      let own: JsonValue;
      try {
        own = parseJson(text, 'x');
      } catch {
        return;
      }
      t.is(JSON.stringify(own), JSON.stringify(reference), text);
    }),
    { numRuns: 5000 },
  );
});

test('keeps integers exact up to 64 bits', (t) => {
  const cases: [string, JsonValue][] = [
    ['0', 0],
    ['-1', -1],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['1.0', 1],
  ];
  for (const [text, value] of cases) t.is(parseJson(text, 'x'), value);
});

test('says where a fault is', (t) => {
  const cases: [text: string, field: string, message: string][] = [
    ['', '', 'c:1:1: expected a value, found the end of the document'],
    ['{"a":1,\n  "a":2}', '/a', 'c:2:3: duplicate key "a"'],
    ['{"a":1,"\\u0061":2}', '/a', 'c:1:8: duplicate key "a"'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__', 'c:1:16: duplicate key "__proto__"'],
    ['{"a/b":{"~":[1,\n,]}}', '/a~1b/~0/1', 'c:2:1: expected a value, found ","'],
    ['\ufeff{}', '', 'c:1:1: starts with a byte order mark'],
    ['{"a":"x\\u0000y"}', '/a', 'c:1:6: NUL or half of a surrogate pair in "x\\u0000y"'],
    ['{"a\\u0000":1}', '', 'c:1:2: NUL or half of a surrogate pair in "a\\u0000"'],
    ['["\\ud800"]', '/0', 'c:1:2: NUL or half of a surrogate pair in "\\ud800"'],
    ['["\udc00"]', '/0', 'c:1:2: NUL or half of a surrogate pair in "\\udc00"'],
    ['["a\nb"]', '/0', 'c:1:4: control character in text, to be written as an escape'],
    ['["a', '/0', 'c:1:2: text without a closing quote'],
    ['["\\x"]', '/0', 'c:1:3: unknown escape "\\\\x" in text'],
    ['["\\u12g4"]', '/0', 'c:1:3: unknown escape "\\\\u" in text'],
    ['[NaN]', '/0', 'c:1:2: expected a value, found "NaN"'],
    ['[-Infinity]', '/0', 'c:1:2: expected a value, found "-Infinity"'],
    ['[01]', '/0', 'c:1:2: expected a value, found "01"'],
    ['[+1]', '/0', 'c:1:2: expected a value, found "+1"'],
    ['[.5]', '/0', 'c:1:2: expected a value, found ".5"'],
    ['[True]', '/0', 'c:1:2: expected a value, found "True"'],
    ['// c\n1', '', 'c:1:1: comments are not part of JSON'],
    ['[1 /* c */]', '', 'c:1:4: comments are not part of JSON'],
    ['[1 2]', '', 'c:1:4: expected "," or "]", found "2"'],
    ['{"a" 1}', '/a', 'c:1:6: expected ":", found "1"'],
    ['{a:1}', '', 'c:1:2: expected a key in double quotes, found "a"'],
    ['{"a":1,}', '', 'c:1:8: expected a key in double quotes, found "}"'],
    ['{} {}', '', 'c:1:4: expected the end of the document, found "{"'],
    ['[18446744073709551616]', '/0', 'c:1:2: integer 18446744073709551616 does not fit in 64 bits'],
    ['[-9223372036854775809]', '/0', 'c:1:2: integer -9223372036854775809 does not fit in 64 bits'],
    ['[1e999]', '/0', 'c:1:2: number 1e999 is out of range'],
  ];
  for (const [text, field, message] of cases) {
    const error = failure(text);
    t.like(error, { code: 'ERR_TSRUN_INVALID_SPEC', field, message }, text);
  }
});

test('bounds depth, size and the time for digits', (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.notThrows(() => parseJson(nested(64), 'x'));
  t.regex(failure(nested(65)).message, /nested deeper than 64/);
  t.regex(failure('['.repeat(100_000)).message, /nested deeper than 64/);
  t.regex(failure('{"a":'.repeat(100_000)).message, /nested deeper than 64/);
  const mebibytes = (count: number) => JSON.stringify('x'.repeat(count * 2 ** 20 - 2));
  t.notThrows(() => parseJson(mebibytes(4), 'x'));
  t.regex(failure(`${mebibytes(4)} `).message, /larger than 4194304 bytes/);
  t.regex(failure(JSON.stringify('é'.repeat(2 ** 21))).message, /larger than/);
  const error = failure('9'.repeat(4_000_000));
  t.regex(error.message, /does not fit in 64 bits/);
  t.true(error.message.length < 200);
});

test('objects have no prototype', (t) => {
  const value = parseJson('{"__proto__":{"polluted":1},"constructor":2,"toString":3}', 'x');
  t.is(Object.getPrototypeOf(value), null);
  t.deepEqual(Object.keys(value ?? {}), ['__proto__', 'constructor', 'toString']);
  t.false('polluted' in {});
});

test('bytes must be UTF-8 without a mark', (t) => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  t.is(parseJsonBytes(bytes('"é"'), 'x'), 'é');
  t.regex(faultOf(() => parseJsonBytes(Uint8Array.of(0x22, 0xff, 0x22), 'x'))?.message ?? '', /not valid UTF-8/);
  t.regex(faultOf(() => parseJsonBytes(bytes('\ufeff1'), 'x'))?.message ?? '', /byte order mark/);
  t.regex(faultOf(() => parseJsonBytes(new Uint8Array(2 ** 22 + 1), 'x'))?.message ?? '', /larger than/);
});
