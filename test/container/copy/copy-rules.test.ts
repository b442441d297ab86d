/** Docker's table of what goes where, row by row. */
import test from 'ava';
import { parseCopyPath, targetOf, type Destination, type Source } from '../../../src/container/copy/copy-rules.js';
import { TsrunError } from '../../../src/index.js';

test('paths are taken apart by their text alone', (t) => {
  const table: readonly (readonly [text: string, path: string, isContents: boolean, isFolder: boolean])[] = [
    ['/a/b', '/a/b', false, false],
    ['a/b', '/base/a/b', false, false],
    ['a/b/', '/base/a/b', false, true],
    ['a/.', '/base/a', true, true],
    ['a/..', '/base', false, false],
    ['.', '/base', true, true],
    ['./', '/base', false, true],
    ['..', '/', true, true],
    ['/', '/', true, true],
    ['/a//./b/../c', '/a/c', false, false],
    ['/../../a', '/a', false, false],
    ['a/b.', '/base/a/b.', false, false],
    ['.a', '/base/.a', false, false],
  ];
  for (const [text, path, isContents, isFolder] of table) t.deepEqual(parseCopyPath(text, '/base'), { path, isContents, isFolder }, text);
  t.is(parseCopyPath('etc').path, '/etc', 'in a container from its root on');
});

const file: Source = { name: 's', kind: 'other', isContents: false };
const folder: Source = { name: 's', kind: 'folder', isContents: false };
const contents: Source = { name: 's', kind: 'folder', isContents: true };
const missing: Destination = { shown: '/p/d', kind: 'missing', parent: 'folder', isFolder: false };
const there: Destination = { shown: '/p/d', kind: 'folder', parent: 'folder', isFolder: false };
const other: Destination = { shown: '/p/d', kind: 'other', parent: 'folder', isFolder: false };
const as = { way: 'as' } as const;
const into = (name: string) => ({ way: 'into', name }) as const;

test('each kind of source, and each destination', (t) => {
  const table: readonly (readonly [string, Source, Destination, unknown])[] = [
    ['a file where nothing is', file, missing, as],
    ['a file where nothing is, with a slash', file, { ...missing, isFolder: true }, /^there is no folder '\/p\/d' to copy into$/],
    ['a file onto a file', file, other, as],
    ['a file onto a file, with a slash', file, { ...other, isFolder: true }, /^'\/p\/d' is no folder$/],
    ['a file into a folder', file, there, into('s')],
    ['a folder where nothing is', folder, missing, as],
    ['a folder where nothing is, with a slash', folder, { ...missing, isFolder: true }, as],
    ['a folder onto a file', folder, other, /^a folder cannot be copied over '\/p\/d', which is none$/],
    ['a folder into a folder', folder, there, into('s')],
    ['contents where nothing is', contents, missing, as],
    ['contents onto a file', contents, other, /^a folder cannot be copied over/],
    ['contents into a folder', contents, there, into('')],
    ['the root into a folder', { name: '', kind: 'folder', isContents: true }, there, into('')],
    ['anything where no folder is', folder, { ...missing, parent: 'missing' }, /^there is no folder '\/p' to copy into$/],
    ['anything below a file', file, { ...missing, parent: 'other' }, /^there is no folder '\/p' to copy into$/],
  ];
  for (const [what, source, destination, expected] of table) {
    if (!(expected instanceof RegExp)) t.deepEqual(targetOf(source, destination), expected, what);
    else t.is(t.throws(() => targetOf(source, destination), { instanceOf: TsrunError, message: expected }, what).code, 'ERR_TSRUN_COPY');
  }
});
