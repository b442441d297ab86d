/**
 * The validator beside the runtime-spec's own JSON schemas, as another reader of them has them: each place of a spec that sets every field is
 * spoilt, and both are asked. They differ where there is a rule beyond the schemas, and nowhere else. Of what ties fields together neither knows.
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import AjvDraft04 from 'ajv-draft-04';
import test from 'ava';
import type { Rule } from '../../src/spec/schema-rules/rule.js';
import { specShape } from '../../src/spec/schema.generated.js';
import { show } from '../../src/spec/quote.js';
import { assertShape } from '../../src/spec/shape.js';
import { fullSpec } from './full-spec.js';
import { faultOf, members, pointer, replaced, type Path } from './mutate.js';

/** The schemas by file name, and rules by the places of a spec: as the validator is made of them. */
function readParts(): unknown {
  const folder = join(resolve(import.meta.dirname, '../../..'), 'schemas');
  const script = `
    import { compileSchemas } from '${folder}/compile.mjs';
    import { readRules, readSchemas } from '${folder}/read.mjs';
    const schemas = readSchemas();
    process.stdout.write(JSON.stringify({ schemas, beyond: compileSchemas(schemas, await readRules()).beyond }));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }));
}

const parts = new Map(members(readParts()));

function compile(): (value: unknown) => boolean {
  const ajv = new AjvDraft04.default({ strict: false, logger: false });
  for (const [name, schema] of members(parts.get('schemas'))) if (typeof schema === 'object' && schema !== null) ajv.addSchema(schema, name);
  const validate = ajv.getSchema('config-schema.json');
  if (validate === undefined) throw new Error('no schema');
  // As a file has it, where what is undefined is not there.
  return (value) => validate(asRead(value)) === true;
}

/** Bigints as any other reader of JSON has them. */
function asRead(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)));
}

const schemaTakes = compile();
const shapeTakes = (value: unknown): boolean => faultOf(() => { assertShape(specShape, value, 'ERR_TSRUN_INVALID_SPEC', 'spec'); }) === undefined;

function places(value: unknown, path: Path = []): [path: Path, value: unknown][] {
  return [[path, value], ...members(value).flatMap(([key, member]) => places(member, [...path, key]))];
}

/** The largest number as `parseJson` gives it. */
const spoils: readonly unknown[] = [undefined, null, 'text', '', 'a\nb', -1, 0, 1, 1.5, 0o100644, 2 ** 31, 2 ** 32, 2n ** 53n, true, [], ['x'], {}];

const rules = members(parts.get('beyond')).map(([place, rule]) => ({ place: new RegExp(`^${place.replaceAll('*', '[^/]+')}$`), says: new Map(members(rule)) }));

/** Whether there is one for a place: any, or one that says this. */
const isRuled = (path: Path, what?: keyof Rule): boolean => rules.some(({ place, says }) => place.test(pointer(path)) && (what === undefined || says.has(what)));

/** A rule for the place itself, for a whole in which it is, for an entry, or for a field that must be there. */
function hasRule(path: Path, value: unknown): boolean {
  const wholes = path.map((_key, depth) => path.slice(0, depth));
  return isRuled(path) || wholes.some((whole) => isRuled(whole, 'shape')) || members(value).some(([key]) => isRuled([...path, key], Array.isArray(value) ? undefined : 'required'));
}

test('a spec that sets every field is one for both', (t) => {
  t.true(shapeTakes(fullSpec()));
  t.true(schemaTakes(fullSpec()));
});

test('what one refuses the other refuses, but where there is a rule', (t) => {
  const spec = fullSpec();
  const counts = { refused: 0, ruled: 0 };
  for (const [path, was] of places(spec)) {
    for (const spoil of spoils) {
      const value = replaced(spec, path, spoil);
      const [shape, schema] = [shapeTakes(value), schemaTakes(value)];
      if (!shape && !schema) counts.refused += 1;
      if (shape === schema) continue;
      counts.ruled += 1;
      t.true(hasRule(path, was), `${pointer(path)}: ${show(spoil)} is taken by the ${shape ? 'validator' : 'schema'} alone`);
    }
  }
  t.true(counts.refused > 1500, String(counts.refused));
  t.true(counts.ruled > 250, String(counts.ruled));
});

test('what the validator takes beyond the schemas is little', (t) => {
  const spec = fullSpec();
  const wider = places(spec).map(([path]) => path).filter((path) => spoils.some((spoil) => {
    const value = replaced(spec, path, spoil);
    return shapeTakes(value) && !schemaTakes(value);
  }));
  t.deepEqual(wider.map(pointer), ['/linux/resources/pids', '/linux/resources/pids/limit', '/linux/devices/0/fileMode', '/linux/rootfsPropagation']);
});
