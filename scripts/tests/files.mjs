// Which file of tests belongs to which stage. The ava configurations say the same in globs; a file that a stage has sent to ava and
// that came back with no test is a failure, so that the two cannot drift apart unseen.
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const checkout = resolve(import.meta.dirname, '../..');

const folders = ['test', 'rootfs-fixtures', 'scripts'];
const harness = 'test/vm/harness.test.mjs';

export function testFiles() {
  const all = folders.flatMap(testsBelow).sort();
  const host = all.filter((file) => file.startsWith('test/host/'));
  return { unit: all.filter((file) => !host.includes(file) && file !== harness), host, harness: all.filter((file) => file === harness) };
}

function testsBelow(folder) {
  const entries = readdirSync(join(checkout, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && /\.test\.(ts|mjs)$/.test(entry.name)).map((entry) => relative(checkout, join(entry.parentPath, entry.name)));
}

/** A text picks the files whose path has it, or else all of them, with the tests whose title has it. */
export function selectFiles(files, filter) {
  if (filter === undefined) return { files, titles: undefined };
  const named = files.filter((file) => file.includes(filter));
  return named.length > 0 ? { files: named, titles: undefined } : { files, titles: filter };
}
