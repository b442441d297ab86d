/** The fuzzers are no part of the build, and need clang to run (`npm run test:fuzz`): that they still compile, and have their seeds, is held here. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { needs } from '../support/needs.js';

const checkout = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tsrun-fuzz-'));
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

/** Feeds each file that it is given to the target, as libFuzzer does with its seeds. */
const driver = `#include <stdint.h>
#include <stdio.h>
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int main(int count, char** files) {
  static uint8_t bytes[1 << 20];
  for (int index = 1; index < count; ++index) {
    FILE* file = fopen(files[index], "rb");
    if (file == nullptr) return 1;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut <= size; cut += 1 + size / 50) LLVMFuzzerTestOneInput(bytes, size - cut);
  }
  return 0;
}
`;

/** Writes the seeds by a function of scripts/fuzz-corpus.mjs. */
function seedsBy(t: ExecutionContext, writer: string, seeds: string): string[] {
  const script = `import { ${writer} } from './scripts/fuzz-corpus.mjs'; ${writer}(${JSON.stringify(seeds)});`;
  const written = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: checkout, encoding: 'utf8' });
  t.is(written.status, 0, written.stderr);
  return readdirSync(seeds).map((name) => join(seeds, name));
}

needs('command:g++')('that of plans takes plans and requests, whole and cut off', (t) => {
  t.timeout(120_000);
  const files = seedsBy(t, 'writeCorpus', join(folder, 'seeds'));
  t.true(files.length > 20);
  const [main, program] = [join(folder, 'main.cc'), join(folder, 'program')];
  writeFileSync(main, driver);
  const flags = ['-std=c++20', '-g', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-I', 'native'];
  const built = spawnSync('g++', [...flags, '-o', program, main, 'native/fuzz/plan_reader.cc', 'native/plan/plan.cc'], { cwd: checkout, encoding: 'utf8' });
  t.is(built.status, 0, built.stderr);
  const ran = spawnSync(program, files, { encoding: 'utf8' });
  t.is(ran.status, 0, ran.stderr);
});

needs('command:g++', 'command:python3')('that of archives compiles, and has the hostile archives of the tests', (t) => {
  const flags = ['-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-I', 'native'];
  const built = spawnSync('g++', [...flags, 'native/fuzz/archive_reader.cc'], { cwd: checkout, encoding: 'utf8' });
  t.is(built.status, 0, built.stderr);
  const seeds = seedsBy(t, 'writeArchives', join(folder, 'archives/seeds'));
  t.true(seeds.length > 500);
});
