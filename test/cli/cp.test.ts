/** Which of the two words of `cp` is in a container, and what is wrong with others. */
import test from 'ava';
import { readRequest, readWord } from '../../src/cli/cp.js';
import { TsrunError } from '../../src/index.js';
import { first, refuses } from './support.js';

test('a word names a container before its first colon, unless it starts with a dot or a slash', (t) => {
  const table: readonly (readonly [string, unknown])[] = [
    ['web:/etc', { container: 'web', path: '/etc' }],
    ['web:a:b', { container: 'web', path: 'a:b' }],
    ['web:', { container: 'web', path: '' }],
    ['./a:b', { hostPath: './a:b' }],
    ['../a:b', { hostPath: '../a:b' }],
    ['.a:b', { hostPath: '.a:b' }],
    ['/a:b', { hostPath: '/a:b' }],
    ['a/b', { hostPath: 'a/b' }],
    ['a/b:c', { container: 'a/b', path: 'c' }],
    ['-', 'stream'],
    ['--', { hostPath: '--' }],
  ];
  for (const [word, expected] of table) t.deepEqual(readWord(word), expected, word);
});

test('one of the two is in a container, and says which way', (t) => {
  t.deepEqual(readRequest('web:/a', './b'), { direction: 'out', container: 'web', innerPath: '/a', hostPath: './b' });
  t.deepEqual(readRequest('./b', 'web:/a'), { direction: 'in', container: 'web', innerPath: '/a', hostPath: './b' });
  t.deepEqual(readRequest('web:/a', '-'), { direction: 'out', container: 'web', innerPath: '/a', hostPath: undefined });
  t.deepEqual(readRequest('-', 'web:/a'), { direction: 'in', container: 'web', innerPath: '/a', hostPath: undefined });
});

test('what cannot be is said', (t) => {
  const table: readonly (readonly [source: string, destination: string, message: RegExp])[] = [
    ['a:/x', 'b:/x', /^files are copied between a container and the host, and not between two containers$/],
    ['a', 'b', /^neither "a" nor "b" is in a container$/],
    ['-', '-', /^neither "-" nor "-" is in a container$/],
    ['a/b:c', 'x', /^"a\/b" cannot be the name of a container$/],
    [':c', 'x', /^"" cannot be the name of a container$/],
    ['web:', 'x', /^no path in the container "web"$/],
    ['', 'web:/x', /^the source is empty$/],
    ['web:/x', '', /^the destination is empty$/],
  ];
  for (const [source, destination, message] of table) {
    const error = t.throws(() => readRequest(source, destination), { instanceOf: TsrunError, message });
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT');
    t.truthy(error.hint);
  }
});

test('the command line: two words, and flags before them or behind', (t) => {
  t.like(first('cp', '-aLq', 'web:/a', '-'), { positionals: ['web:/a', '-'], flags: { archive: true, followLink: true, quiet: true } });
  t.like(first('cp', '-', 'web:/a', '--archive'), { positionals: ['-', 'web:/a'], flags: { archive: true } });
  refuses(t, 'cp', ['web:/a'], /destination/);
  refuses(t, 'cp', ['a', 'web:/a', 'b'], /"b"/);
});
