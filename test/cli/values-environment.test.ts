import test from 'ava';
import { environmentFile, parseEnvironmentFile, variable } from '../../src/cli/values/environment.js';
import { accepts, context, rejects } from './support.js';

test('-e', (t) => {
  accepts(t, variable, [
    ['A=b', { A: 'b' }],
    ['A=', { A: '' }],
    ['A=b=c', { A: 'b=c' }],
    ['HOME', { HOME: '/home/me' }],
    ['EMPTY', { EMPTY: '' }],
    ['UNSET', {}],
    ['toString', {}],
    ['A=two\nlines', { A: 'two\nlines' }],
  ]);
  rejects(t, variable, [['', /not empty/], ['=x', 'the name of the variable is empty'], ['A=\0', /NUL/]]);
});

test('an env file is read by docker\'s rules', (t) => {
  const content = [
    '# a comment',
    '',
    '  INDENTED=yes',
    'QUOTED="as it stands"',
    'SPACED= a b ',
    'HASH=a # b',
    'DOLLAR=$HOME',
    'EQUALS=a=b',
    'EMPTY_VALUE=',
    'HOME',
    'UNSET',
    'CRLF=x\r',
    'LATER=1',
    'LATER=2',
  ].join('\n');
  t.deepEqual(parseEnvironmentFile(content, context), {
    INDENTED: 'yes',
    QUOTED: '"as it stands"',
    SPACED: ' a b ',
    HASH: 'a # b',
    DOLLAR: '$HOME',
    EQUALS: 'a=b',
    EMPTY_VALUE: '',
    HOME: '/home/me',
    CRLF: 'x',
    LATER: '2',
  });
});

test('a broken env file is named with its line', (t) => {
  const read = (content: string | Buffer) => () => environmentFile.parse('f', { ...context, readBeginning: () => Buffer.from(content) });
  t.throws(read('A=1\nB C=2\n'), { message: 'line 2: the name "B C" holds white space' });
  t.throws(read('=x'), { message: 'line 1: the name of the variable is empty' });
  t.throws(read('A=\0'), { message: 'line 1: a NUL character is not allowed' });
  t.throws(read(Buffer.from([0x41, 0x3d, 0xff])), { message: 'the file is not UTF-8 text' });
  t.deepEqual(read('\ufeffA=1')(), { A: '1' });
  rejects(t, environmentFile, [['./absent', 'the file cannot be read: ENOENT']]);
});

test('an env file of a mebibyte is read, and one byte more is not', (t) => {
  const read = (bytes: number) => () => environmentFile.parse('f', { ...context, readBeginning: (_, maxBytes) => Buffer.alloc(bytes, 'A=1\n').subarray(0, maxBytes) });
  t.deepEqual(read(1_048_576)(), { A: '1' });
  t.throws(read(1_048_577), { message: 'the file is larger than 1MiB' });
});
