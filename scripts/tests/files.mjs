// Which file of tests belongs to which stage. The ava configurations say the same in globs; a file that a stage has sent to ava and
// that came back with no test is a failure, so that the two cannot drift apart unseen.
import { readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

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

/** Texts pick the files whose path has one of them, or else all files, with the tests whose title has one. */
export function selectFiles(files, texts) {
  if (texts === undefined) return { files, titles: undefined };
  const named = files.filter((file) => texts.some((text) => file.includes(text)));
  return named.length > 0 ? { files: named, titles: undefined } : { files, titles: texts };
}

// Minutes that a file takes in a guest, where it is more than one.
const slow = { 'real-applications': 3, 'real-input': 2, crash: 2, rootless: 2, 'cli-run': 2, 'cli-exec-attach-logs': 2, 'cli-terminal': 2, 'attack-process': 2 };

/** The files in so many shares that take about as long as each other; none is empty. */
export function deal(files, count) {
  const weigh = (file) => slow[basename(file).split('.')[0]] ?? 1;
  const shares = Array.from({ length: count }, () => ({ weight: 0, files: [] }));
  for (const file of files.toSorted((a, b) => weigh(b) - weigh(a))) {
    const lightest = shares.reduce((least, share) => (share.weight < least.weight ? share : least));
    lightest.weight += weigh(file);
    lightest.files.push(file);
  }
  return shares.map((share) => share.files.sort()).filter((share) => share.length > 0);
}
