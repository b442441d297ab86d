// `npm run test:fuzz`: builds the fuzzer of the plan reader with clang, runs it for TSRUN_FUZZ_SECONDS (20), and says what it did.
// What it finds stays in build/fuzz/crash-*; what it learns, in build/fuzz/corpus.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { missingPackages } from '../rootfs-fixtures/packages.mjs';
import { writeCorpus } from './fuzz-corpus.mjs';

const checkout = resolve(import.meta.dirname, '..');
const build = join(checkout, 'build/cmake/fuzz');
const folder = join(checkout, 'build/fuzz');
const seconds = process.env.TSRUN_FUZZ_SECONDS ?? '20';

function compiler() {
  const names = ['clang++', ...Array.from({ length: 12 }, (_, index) => `clang++-${25 - index}`)];
  const found = names.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found !== undefined) return found;
  const lacking = missingPackages(['clang', 'libclang-rt-dev', 'cmake']);
  throw new Error(`fuzzing needs clang and its run-time library: sudo apt-get install -y --no-install-recommends ${lacking.join(' ')}`);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: checkout, stdio: 'inherit' });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} ended with ${error?.message ?? status}`);
}

try {
  const cxx = compiler();
  run('cmake', ['--preset', 'fuzz', `-DCMAKE_CXX_COMPILER=${cxx}`]);
  run('cmake', ['--build', '--preset', 'fuzz']);
  const corpus = join(folder, 'corpus');
  console.log(`${writeCorpus(join(folder, 'seeds'))} seeds`);
  mkdirSync(corpus, { recursive: true });
  run(join(build, 'fuzz-plan-reader'), [corpus, join(folder, 'seeds'), `-max_total_time=${seconds}`, '-max_len=65536', '-verbosity=0', '-print_final_stats=1', `-artifact_prefix=${folder}/`]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
