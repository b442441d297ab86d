// Every example in TypeScript, in the documents and in the comments of the sources, is one that the compiler takes.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { blocksOf, checkout, commented, makeProject } from './examples.js';
import { complaints } from './type-check.js';

const documents = ['README.md', ...readdirSync(join(checkout, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const project = makeProject();
test.after.always(() => {
  rmSync(project, { recursive: true });
});

test('examples in documents', (t) => {
  t.timeout(120_000);
  const programs = documents.flatMap((document) => blocksOf(document).filter(({ language }) => language === 'ts').map(({ text, line }) => [`${document.replaceAll(/\W/g, '-')}-${line}.ts`, text] as const));
  t.true(programs.length >= 2);
  t.deepEqual(complaints(project, Object.fromEntries(programs)), []);
});

test('examples in comments', (t) => {
  t.timeout(120_000);
  const sources = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const programs = sources.flatMap((name) => commented(readFileSync(join(checkout, 'src', name), 'utf8')).map((text, index) => [`${name.replaceAll(/\W/g, '-')}-${index}.ts`, text] as const));
  t.true(programs.length >= 2);
  t.deepEqual(complaints(project, Object.fromEntries(programs)), []);
});

test('control: an example that is wrong is found', (t) => {
  t.timeout(120_000);
  const [complaint = ''] = complaints(project, { 'wrong.ts': "import { Runtime } from 'tsrun';\nawait using runtime = await Runtime.open();\nawait runtime.run('./image', { memroy: '1g' });\n" });
  t.regex(complaint, /^wrong\.ts:3: .*memroy/s);
});
