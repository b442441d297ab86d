// `npm run test:sanitizers [-- PART [FILE…]]`: builds native programs so that they watch themselves, and runs the tests over them. The
// parts are below; without one, all of them. A file is a part of its path. What goes wrong, a test or the program, is told at the end.
import { Notes } from './sanitizers/notes.mjs';
import { build, inPlace, testFile } from './sanitizers/run.mjs';
import { archiveFiles, leftOutFiles, leftOutTitles, ofTheWalls } from './sanitizers/selection.mjs';
import { testFiles } from './tests/files.mjs';

const parts = {
  // It works in the same roots, but not behind the walls, in which there are no libraries.
  archive: (files) => archive('asan-ubsan', files),
  'archive-tsan': (files) => archive('tsan', files),
  launcher,
};

function archive(preset, chosen) {
  const program = `${build(preset, ['tsrun-archive'])}/tsrun-archive`;
  return chosen(archiveFiles).filter((file) => !testFile(file, { env: { TSRUN_TEST_ARCHIVE: program }, leftOut: ofTheWalls }));
}

/** Also tsrun-oci, which starts it. The reaper has no C library that sanitizers could stand on. */
async function launcher(chosen) {
  const folder = build('asan-ubsan', ['tsrun-launcher', 'tsrun-oci']);
  const notes = new Notes(folder);
  const under = inPlace(folder, { 'tsrun-launcher': 'tsrun-launcher', 'tsrun-oci': 'tsrun-oci' });
  const files = chosen(testFiles().host.filter((file) => !leftOutFiles.some(({ name }) => file.endsWith(`/${name}.test.ts`))));
  const failed = [];
  for (const file of files) {
    notes.clear();
    const passed = testFile(file, { under, env: { TSRUN_TEST_SANITIZED: '1' }, leftOut: leftOutTitles.map(({ title }) => title) });
    await notes.settled();
    const found = notes.read();
    if (found !== '') console.log(`${file}: the sanitizers say\n${found}`);
    if (!passed || found !== '') failed.push(file);
  }
  return failed;
}

async function main([part, ...texts]) {
  if (part !== undefined && !(part in parts)) throw new Error(`no part called ${part}; there are ${Object.keys(parts).join(', ')}`);
  const chosen = (files) => files.filter((file) => texts.length === 0 || texts.some((text) => file.includes(text)));
  const failed = [];
  for (const [name, runPart] of Object.entries(parts)) {
    if (part === undefined || part === name) failed.push(...(await runPart(chosen)).map((file) => `${name}: ${file}`));
  }
  for (const each of failed) console.log(`failed: ${each}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
