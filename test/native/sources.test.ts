/** Both builds read native/sources.txt: what is not listed is not built, and nobody would notice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';

const checkout = resolve(import.meta.dirname, '../../..');
const listed = readFileSync(join(checkout, 'native/sources.txt'), 'utf8').split('\n').filter((line) => line !== '');

test('every source file of what is shipped is listed, every listed file exists, in order and once', (t) => {
  const present = readdirSync(join(checkout, 'native'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.cc') && !/^(?:checks|fuzz|oci-build)\//.test(path)).map((path) => `native/${path}`);
  t.deepEqual(listed, present.sort());
});
