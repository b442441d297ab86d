// `npm run test:fuzz`: builds the fuzzers of the plan reader and of the archive reader with clang, runs each for TSRUN_FUZZ_SECONDS (20),
// and says what they did. What they find stays in build/fuzz/<which>/crash-*; what they learn, in build/fuzz/<which>/corpus.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { missingPackages } from '../rootfs-fixtures/packages.mjs';
import { writeArchives, writeCorpus } from './fuzz-corpus.mjs';

const checkout = resolve(import.meta.dirname, '..');
const build = join(checkout, 'build/cmake/fuzz');
const seconds = process.env.TSRUN_FUZZ_SECONDS ?? '20';

function compiler() {
  const names = ['clang++', ...Array.from({ length: 12 }, (_, index) => `clang++-${25 - index}`)];
  const found = names.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found !== undefined) return found;
  const lacking = missingPackages(['clang', 'libclang-rt-dev', 'cmake']);
  throw new Error(`fuzzing needs clang and its run-time library: sudo apt-get install -y --no-install-recommends ${lacking.join(' ')}`);
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: checkout, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} ended with ${error?.message ?? status}`);
}

function fuzz(name, writeSeeds, longestInput) {
  const folder = join(checkout, 'build/fuzz', name);
  const [corpus, seeds] = [join(folder, 'corpus'), join(folder, 'seeds')];
  mkdirSync(corpus, { recursive: true });
  console.log(`${name}: ${writeSeeds(seeds)} seeds`);
  const words = [corpus, seeds, `-max_total_time=${seconds}`, `-max_len=${longestInput}`, '-verbosity=0', '-print_final_stats=1', `-artifact_prefix=${folder}/`];
  run(join(build, `fuzz-${name}`), words, { TSRUN_FUZZ_FOLDER: folder });
}

try {
  const cxx = compiler();
  run('cmake', ['--preset', 'fuzz', `-DCMAKE_CXX_COMPILER=${cxx}`]);
  run('cmake', ['--build', '--preset', 'fuzz']);
  fuzz('plan-reader', writeCorpus, 65_536);
  fuzz('archive-reader', writeArchives, 16_384);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
