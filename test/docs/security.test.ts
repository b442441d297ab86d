// SECURITY.md: every test that it names is there, under the title that it gives; and every CVE that a host test names is listed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkout } from './examples.js';

const text = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const security = text('SECURITY.md');

/** As it stands in a source, in any kind of quotes. */
function hasTitle(source: string, title: string): boolean {
  return [title.replaceAll("'", "\\'"), title].some((each) => [`'${each}'`, `\`${each}\``, `"${each}"`].some((quoted) => source.includes(quoted)));
}

test('every test that is named is there', (t) => {
  const rows = [...security.matchAll(/^\| .*? \| (`test\/.*) \|$/gm)].map(([, cell = '']) => cell);
  t.true(rows.length > 20);
  let count = 0;
  for (const cell of rows) {
    for (const [, file = '', titles = ''] of cell.matchAll(/`(test\/[^`]+)`((?:,? "[^"]+")+)/g)) {
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) {
        t.true(hasTitle(text(file), title), `${file}: ${title}`);
        count++;
      }
    }
  }
  t.true(count > 25);
});

test('every CVE that a test is about is listed', (t) => {
  const titles = readdirSync(join(checkout, 'test/host')).flatMap((name) => text(`test/host/${name}`).match(/^.*\(['`].*CVE-.*$/gm) ?? []);
  const numbers = titles.flatMap((title) => title.match(/\d{4}-\d{4,}/g) ?? []).map((number) => `CVE-${number}`);
  t.true(numbers.length > 8);
  t.deepEqual(numbers.filter((number) => !security.includes(number)), []);
});

test('control: a title that is not there is not found', (t) => {
  t.false(hasTitle("here('one', () => {})", 'two'));
  t.true(hasTitle("here('the image\\'s own', () => {})", "the image's own"));
});
