// docs/engines.md: what it says is run is what is run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkout } from './examples.js';

const text = (path: string) => readFileSync(join(checkout, path), 'utf8');
const folder = 'test/host';

test('every test on an engine is named, and no other', (t) => {
  const named = [...text('docs/engines.md').matchAll(/^\* `(engine-\w+)`: (.*)$/gm)].map(([, name = '', titles = '']) => [name, titles.split(' · ')] as const);
  const files = readdirSync(join(checkout, folder)).filter((file) => file.startsWith('engine-'));
  t.deepEqual(named.map(([name]) => `${name}.test.ts`).sort(), files.sort());
  for (const [name, titles] of named) {
    const run = [...text(`${folder}/${name}.test.ts`).matchAll(/^(?:here|limitsTest)\('((?:[^'\\]|\\.)*)'/gm)].map(([, title = '']) => title.replaceAll('\\', ''));
    t.deepEqual(titles, run.filter((title) => title !== 'nothing is left'), name);
  }
});
