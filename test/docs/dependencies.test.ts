// docs/adr/dependencies.md: every dependency with its reason, and the order of steps that docs/architecture.md gives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stepDocs } from '../../src/index.js';
import { compile } from '../plan/support.js';
import { membersOf, readObject } from '../support/json.js';
import { checkout } from './examples.js';

function text(path: string): string {
  return readFileSync(join(checkout, path), 'utf8');
}

test('the table names every dependency of package.json, and no other', (t) => {
  const named = [...text('docs/adr/dependencies.md').matchAll(/^\| `([^`]+)` \| (\S.*?) \|/gm)].map(([, name = '']) => name);
  const { dependencies, devDependencies } = readObject(text('package.json'));
  t.deepEqual(named.sort(), [...Object.keys(membersOf(dependencies)), ...Object.keys(membersOf(devDependencies))].sort());
});

test('the plan is in the order that docs/architecture.md gives', (t) => {
  const [, order = ''] = /this is the order.*?\n\n(.*?)\nWithout no_new_privs/s.exec(text('docs/architecture.md')) ?? [];
  const listed = [...order.matchAll(/`(\w+)`/g)].map(([, op = '']) => op);
  t.true(listed.length > 35);
  t.deepEqual(listed.filter((op) => !(op in stepDocs)), []);
  const compiled = compile({}).plan.steps.map(({ step }) => step.op);
  const left = [...listed];
  for (const op of compiled) if (op === left[0]) left.shift();
  t.deepEqual(left, [], `in the plan, these do not follow what is listed before them: ${compiled.join(' ')}`);
  const names = new Set(listed);
  t.deepEqual([...new Set(compiled)].filter((op) => !names.has(op)), ['makeIdMap', 'makeFolder', 'makeLink', 'ownPipe', 'attachMount'], 'helpers that the list leaves out');
});
