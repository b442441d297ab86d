// What the compiler makes of a schema, and all that it stops at: a demand that went unseen would be one that nobody checks.
import test from 'ava';
import { compileSchemas } from './compile.mjs';

const shape = { expects: 'anything', check: () => undefined };

/** `field` in a config.json with these definitions, and a rule for it. */
function compile(field, rules = {}, { definitions = {}, required = [] } = {}) {
  const root = { $schema: 'x', description: 'x', type: 'object', properties: { field }, required, definitions };
  const { definitions: own, ...schema } = root;
  return compileSchemas({ 'config-schema.json': schema, 'defs.json': { definitions: own } }, rules).text;
}

const fieldOf = (...given) => /\n {2}field: (.*),\n/.exec(compile(...given))?.[1];
const list = { type: 'array', items: { type: 'string' } };
const names = { type: 'string', enum: ['b', 'a'] };

test('what a schema says', (t) => {
  t.is(fieldOf({ type: 'string' }), 'optional(text())');
  t.is(fieldOf({ type: 'boolean' }, {}, { required: ['field'] }), 'boolean');
  t.is(fieldOf({ type: 'integer', minimum: -1, maximum: 7 }), 'optional(integer(-1, 7))');
  t.is(fieldOf({ type: 'integer', minimum: 0, maximum: 18446744073709551615 }), 'optional(uint64)');
  t.is(fieldOf({ ...list, minItems: 2 }), 'optional(array(text(), 2))');
  t.is(fieldOf({ type: 'object', additionalProperties: { type: 'boolean' } }), 'optional(record(boolean))');
  t.is(fieldOf({ anyOf: [{ $ref: 'defs.json#/definitions/Thing' }] }, {}, { definitions: { Thing: { type: 'boolean' } } }), 'optional(boolean)');
  const parts = { allOf: [{ properties: { a: { type: 'boolean' } }, required: ['a'] }, { properties: { b: { type: 'boolean' } } }] };
  t.regex(compile(parts), /fieldShape = object<At<\['field'\]>>\(\{\n {2}a: boolean,\n {2}b: optional\(boolean\),\n\}\)/);
});

test('what several places refer to is there once', (t) => {
  const Thing = { type: 'object', properties: { a: { type: 'boolean' } } };
  const text = compile({ type: 'object', properties: { one: { $ref: 'defs.json#/definitions/Thing' }, two: { $ref: 'defs.json#/definitions/Thing' } } }, {}, { definitions: { Thing } });
  t.is(text.match(/object<At<\['field', 'one'\]>>/g)?.length, 1);
  t.regex(text, /one: optional\(thingShape\),\n {2}two: optional\(thingShape\),/);
});

test('what rules say beyond it', (t) => {
  t.is(fieldOf({ type: 'string' }, { '/field': { shape } }), "optional(rules['/field'].shape)");
  t.is(fieldOf({ type: 'string', format: 'unheard of' }, { '/field': { shape, required: true } }), "rules['/field'].shape");
  t.is(fieldOf(list, { '/field': { least: 1, most: 9 }, '/field/*': { shape } }), "optional(array(rules['/field/*'].shape, 1, 9))");
  t.is(fieldOf({ type: 'object', additionalProperties: { type: 'boolean' } }, { '/field': { key: shape } }), "optional(record(boolean, rules['/field'].key))");
  t.is(fieldOf({ type: 'string' }, { '/field': { elsewhere: true } }), undefined);
  const text = compile(names, { '/field': { noun: 'a letter', names: (given) => ['', ...given] } });
  t.regex(text, /fieldNames = \[\n {2}'',\n {2}'b',\n {2}'a',\n\] as const/);
  t.regex(text, /fieldShape = oneOf\('a letter', fieldNames\)/);
});

test('what is said of a place goes before what is said of its definition', (t) => {
  const definitions = { Thing: { type: 'string' } };
  const field = { $ref: 'defs.json#/definitions/Thing' };
  t.is(fieldOf(field, { '#Thing': { shape } }, { definitions }), "optional(rules['#Thing'].shape)");
  t.is(fieldOf(field, { '#Thing': { shape }, '/field': { required: true } }, { definitions }), "rules['#Thing'].shape");
  t.is(fieldOf(field, { '#Thing': { shape }, '/field': { shape } }, { definitions }), "optional(rules['/field'].shape)");
});

const refused = [
  ['a keyword that it does not know', [{ type: 'string', maxLength: 9 }], /^\/field: needs a rule: not understood is maxLength/],
  ['a pattern, which has no words', [{ type: 'string', pattern: '^a$' }], /not understood is pattern/],
  ['a type that it does not know', [{ type: 'number' }], /^\/field: needs a rule/],
  ['integers without bounds', [{ type: 'integer' }], /needs a rule: its numbers/],
  ['integers that are not exact', [{ type: 'integer', minimum: -9223372036854775808, maximum: 9223372036854775807 }], /needs a rule: its numbers/],
  ['names without a noun', [names], /needs a rule with a noun/],
  ['alternatives', [{ anyOf: [{ type: 'string' }, { type: 'boolean' }] }], /anyOf of several/],
  ['a reference to nothing', [{ $ref: 'defs.json#/definitions/Thing' }], /leads nowhere/],
  ['a required field that is not there', [{ type: 'object', properties: { a: { type: 'string' } }, required: ['b'] }], /requires b/],
  ['a rule for a place that is not there', [{ type: 'string' }, { '/feild': { shape } }], /rules for what the schemas do not have: \/feild/],
  ['a rule for an entry, in the place of which there is another', [list, { '/field': { shape }, '/field/*': { shape } }], /do not have: \/field\/\*/],
  ['a rule that says what the schema says', [{ type: 'string' }, { '/field': { required: false } }], /says what the schema says: it is optional/],
  ['a rule that would hide fields', [{ type: 'object', properties: { a: { type: 'string' } } }, { '/field': { shape } }], /would hide its fields/],
  ['a rule that would hide fields of entries', [{ type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } }, { '/field': { shape } }], /would hide its fields/],
  ['a noun where there are no names', [{ type: 'string' }, { '/field': { noun: 'a letter' } }], /"noun", but the schema no "enum"/],
  ['entries where there is no array', [{ type: 'string' }, { '/field': { most: 1 } }], /"most", but the schema no "items"/],
  ['keys where there is no map', [{ type: 'string' }, { '/field': { key: shape } }], /"key", but the schema no "additionalProperties"/],
];

for (const [what, given, message] of refused) {
  test(`it stops at ${what}`, (t) => {
    t.throws(() => compile(...given), { message });
  });
}
