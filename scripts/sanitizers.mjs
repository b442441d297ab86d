// `npm run test:sanitizers [-- PART [FILE…]]`: builds native programs so that they, or valgrind, watch what they do, and runs the tests over
// them. The parts are below; without one, all of them. FILE is a piece of a path. What goes wrong, a test or the program, is told at the end.
import { join } from 'node:path';
import { missingPackages } from '../rootfs-fixtures/packages.mjs';
import { FolderNotes, SharedNotes } from './sanitizers/notes.mjs';
import { build, inPlace, testFile } from './sanitizers/run.mjs';
import { archiveFiles, glueFiles, leftOutFiles, leftOutTitles, leftOutUnderValgrind, lifecycleFiles, lockFiles, ofTheWalls } from './sanitizers/selection.mjs';
import { checkout, testFiles } from './tests/files.mjs';

const parts = {
  archive: (chosen) => archive('asan-ubsan', chosen),
  'archive-threads': (chosen) => archive('tsan', chosen),
  launcher,
  addon,
  valgrind,
};

/** It works in the same roots, but not behind the walls, in which there are no libraries. */
function archive(preset, chosen) {
  const program = join(build(preset, ['tsrun-archive']), 'tsrun-archive');
  return chosen(archiveFiles).filter((file) => !testFile(file, { env: { TSRUN_TEST_ARCHIVE: program }, leftOut: ofTheWalls }));
}

/**
 * Address, undefined-behaviour and leak sanitizers: the launcher, and tsrun-oci, which starts it. The reaper has no C library that
 * sanitizers could stand on.
 */
async function launcher(chosen) {
  const folder = build('asan-ubsan', ['tsrun-launcher', 'tsrun-oci']);
  const under = inPlace(folder, { 'tsrun-launcher': 'tsrun-launcher', 'tsrun-oci': 'tsrun-oci' });
  const files = testFiles().host.filter((file) => !leftOutFiles.some((name) => file.endsWith(`/${name}.test.ts`)));
  return withNotes(new SharedNotes(folder), chosen(files), { under, leftOut: leftOutTitles });
}

/** Threads. Node itself has no such sanitizer, so that nothing is said of its own. */
async function addon(chosen) {
  const folder = build('tsan', ['tsrun']);
  const notes = new FolderNotes(folder, 'no program of its own');
  const options = `ignore_noninstrumented_modules=1:report_thread_leaks=0:log_path=${notes.path}/report`;
  const under = [...inPlace(folder, { 'tsrun.node': 'tsrun.node' }), 'env', 'LD_PRELOAD=libtsan.so.2', `TSAN_OPTIONS=${options}`];
  const nodeArguments = `--import=${join(checkout, 'scripts/sanitizers/alone.mjs')}`;
  return [
    ...(await withNotes(notes, chosen(lockFiles), { under, config: 'ava.config.js' })),
    ...(await withNotes(notes, chosen(glueFiles), { under, nodeArguments })),
  ];
}

async function valgrind(chosen) {
  const lacking = missingPackages(['valgrind']);
  if (lacking.length > 0) throw new Error('this part needs valgrind: sudo apt-get install -y --no-install-recommends valgrind');
  const folder = build('valgrind', ['tsrun-launcher', 'valgrind-launcher']);
  const under = inPlace(folder, { 'tsrun-launcher': 'valgrind-launcher' });
  return withNotes(new FolderNotes(folder, join(folder, 'tsrun-launcher')), chosen(lifecycleFiles), { under, leftOut: leftOutUnderValgrind });
}

/** The files of which a test fails or a note is written. */
async function withNotes(notes, files, options) {
  const failed = [];
  for (const file of files) {
    notes.clear();
    const passed = testFile(file, { ...options, env: { TSRUN_TEST_SANITIZED: '1' } });
    await notes.settled();
    const found = notes.read();
    if (found !== '') console.log(`${file}: this was found\n${found}`);
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
