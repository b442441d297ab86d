import test from 'ava';
import fc from 'fast-check';
import { validateSpec } from '../../src/spec/validate.js';
import { fullSpec } from './full-spec.js';
import { faultOf, leaves, members, pointer, replaced, type Path } from './mutate.js';

const sample = fullSpec();

test('a wrong type at any leaf is an error with its pointer', (t) => {
  for (const { path } of leaves(sample)) {
    for (const wrong of [null, {}, { a: 1 }, [[]], () => 1]) {
      const field = pointer(path);
      t.like(faultOf(() => validateSpec(replaced(sample, path, wrong))), { code: 'ERR_TSRUN_INVALID_SPEC', field }, field);
    }
  }
});

test('a wrong scalar at any leaf is an error with its pointer', (t) => {
  const wrongOf = (value: unknown): unknown[] => {
    if (typeof value === 'string') return [1, true, 'a\0b', '\ud800'];
    if (typeof value === 'boolean') return [1, 'true'];
    if (typeof value === 'object') return [1];
    return ['1', true, 1.5, NaN, -(2 ** 40), -(2n ** 40n), 2n ** 64n];
  };
  let count = 0;
  for (const { path, value } of leaves(sample)) {
    for (const wrong of wrongOf(value)) {
      t.is(faultOf(() => validateSpec(replaced(sample, path, wrong)))?.field, pointer(path), `${pointer(path)} = ${String(wrong)}`);
      count++;
    }
  }
  t.true(count > 700, String(count));
});

test('a known key in the wrong case or with a letter too many is refused everywhere', (t) => {
  const data = /^\/(?:annotations|linux\/(?:sysctl|netDevices|resources\/(?:unified|rdma)))$/;
  const walk = (value: unknown, path: Path): void => {
    if (data.test(pointer(path))) return;
    for (const [key, member] of members(value)) {
      if (!Array.isArray(value)) {
        for (const slip of [key.toUpperCase() === key ? key.toLowerCase() : key.toUpperCase(), `${key}x`]) {
          const error = faultOf(() => validateSpec(replaced(sample, [...path, slip], member)));
          t.like(error, { field: pointer([...path, slip]), hint: `did you mean "${key}"?` });
        }
        t.is(faultOf(() => validateSpec(replaced(sample, [...path, 'com.example.unrelated'], member))), undefined);
      }
      walk(member, [...path, key]);
    }
  };
  walk(sample, []);
});

test('whatever stands at a leaf, the answer is a spec or a TsrunError', (t) => {
  const places = leaves(sample).flatMap(({ path }) => path.map((_, depth) => path.slice(0, depth)));
  const hostile = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true, withTypedArray: true });
  fc.assert(
    fc.property(fc.constantFrom(...places), hostile, (path, value) => {
      const error = faultOf(() => validateSpec(replaced(sample, path, value)));
      if (error !== undefined) t.true(error.message.length < 2000);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
