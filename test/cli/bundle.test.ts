// The installed command's two files: what the first defers is in the second, and each module is in one of them alone.
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import test from 'ava';

const checkout = resolve(import.meta.dirname, '../../..');
const folder = join(checkout, 'dist/bundle/cli');
const [first, second] = ['tsrun.cjs', 'more.cjs'].map((name) => readFileSync(join(folder, name), 'latin1'));

/** The names of modules of ours behind these words. */
function named(text: string | undefined, before: string): ReadonlySet<string> {
  return new Set(Array.from(text?.matchAll(new RegExp(`${before}"([\\w./-]+\\.js)"`, 'g')) ?? [], ([, name = '']) => name));
}

const [inFirst, inSecond] = [named(first, 'case'), named(second, 'case')];

test('what one file asks for, the other gives', (t) => {
  const asked = [...named(first?.replaceAll('require("tsrun:', 'ask"'), 'ask'), ...named(second?.replaceAll('require("tsrun:', 'ask"'), 'ask')];
  t.true(asked.length > 50);
  t.deepEqual(asked.filter((name) => !inFirst.has(name) && !inSecond.has(name)), []);
  t.deepEqual([...inSecond].filter((name) => inFirst.has(name)), []);
});

test('errors have one class: it is in one of the files alone', (t) => {
  const errors = [first, second].filter((text) => /class TsrunError\b|TsrunError=class\b/.test(text ?? ''));
  t.is(errors.length, 1);
});

test('V8 takes what it made of them', (t) => {
  const program = `const { readFileSync } = require('node:fs');
    for (const name of ['tsrun', 'more']) {
      const cachedData = readFileSync(\`\${name}-\${process.versions.v8}-\${process.arch}.cache\`);
      const { cachedDataRejected } = new (require('node:vm').Script)(readFileSync(\`\${name}.cjs\`, 'latin1'), { filename: name, cachedData });
      console.log(cachedDataRejected);
    }`;
  t.is(spawnSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' }).stdout, 'false\nfalse\n');
});

const lines: readonly (readonly [words: readonly string[], says: RegExp])[] = [
  [['--help'], /^Usage: tsrun/m],
  [['up', '--help'], /--publish/],
  [['up', '--publish', 'x', './app'], /invalid value "x" for --publish/],
  [['up', '--size', 'x', './app'], /invalid value "x" for --size/],
  [['up', '--formation', 'x', './app'], /invalid value "x" for --formation/],
  [['run', './nonesuch'], /image '.\/nonesuch' does not exist/],
  [['completion', 'bash'], /complete/],
];

for (const [words, says] of lines) {
  test(`tsrun ${words.join(' ')}`, (t) => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'main.cjs'), ...words], { encoding: 'utf8' });
    t.regex(stdout + stderr, says);
    t.notRegex(stderr, /internal error/);
  });
}
