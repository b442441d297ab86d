// What starting a plain folder loads: no library, and nothing of the store. By the compiled files' own words, since a module that was
// loaded once by another test would not be noticed missing.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

const dist = resolve(import.meta.dirname, '../../src');
const imports = /(?:^|\n)(?:import|export)\b[^'"`;]*?\bfrom '([^']+)'|(?:^|\n)import '([^']+)'/g;

/** Files and packages that are loaded with this one, however far away. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, named, bare] of readFileSync(file, 'utf8').matchAll(imports)) {
    const target = named ?? bare ?? '';
    if (target.startsWith('.')) loadedBy(resolve(dirname(file), target), seen);
    else seen.add(target);
  }
  return seen;
}

function listed(file: string): string[] {
  return [...loadedBy(join(dist, file))].map((each) => (each.startsWith('/') ? relative(dist, each) : each)).sort();
}

test('the way to a container of a plain folder loads no library, and nothing of images but folders', (t) => {
  const loaded = listed('index.js');
  t.deepEqual(loaded.filter((each) => !each.endsWith('.js') && !each.startsWith('node:')), []);
  t.deepEqual(loaded.filter((each) => /^image\/(?:store|sources|registry|documents)\/|^container\/(?:image-library\/library|archiver)/.test(each)), []);
  t.false(loaded.includes('node:crypto'), 'the dearest of Node\'s modules');
  t.true(loaded.length > 100);
});

test('the library of images loads the store, but neither sources nor registry', (t) => {
  const loaded = listed('container/image-library/library.js');
  t.true(loaded.includes('image/store/store.js'));
  t.deepEqual(loaded.filter((each) => /^image\/(?:sources|registry|store\/save)\/|^(?!node:)[^/]+$/.test(each)), []);
});
