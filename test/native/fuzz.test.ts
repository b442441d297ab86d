/** The fuzzer is no part of the build, and needs clang to run (`npm run test:fuzz`): that it still compiles, and has its seeds, is held here. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { needs } from '../support/needs.js';

const checkout = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tsrun-fuzz-'));
const seeds = join(folder, 'seeds');
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

needs('command:g++')('it compiles, and takes plans and requests, whole and cut off', (t) => {
  t.timeout(120_000);
  const script = `import { writeCorpus } from './scripts/fuzz-corpus.mjs'; writeCorpus(${JSON.stringify(seeds)});`;
  const written = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: checkout, encoding: 'utf8' });
  t.is(written.status, 0, written.stderr);
  const files = readdirSync(seeds).map((name) => join(seeds, name));
  t.true(files.length > 20);
  const [main, program] = [join(folder, 'main.cc'), join(folder, 'program')];
  writeFileSync(main, driver);
  const flags = ['-std=c++20', '-g', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-I', 'native'];
  const built = spawnSync('g++', [...flags, '-o', program, main, 'native/fuzz/plan_reader.cc', 'native/plan/plan.cc'], { cwd: checkout, encoding: 'utf8' });
  t.is(built.status, 0, built.stderr);
  const ran = spawnSync(program, files, { encoding: 'utf8' });
  t.is(ran.status, 0, ran.stderr);
});
