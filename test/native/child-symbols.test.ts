/**
 * A container's first process is a copy of the launcher between clone3 and execve: it must not allocate, throw, or call what believes in
 * threads or locks of the C library. So its object files may need nothing but memory and string functions.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { escapes, readObject } from './object-symbols.js';

const objects = resolve(import.meta.dirname, '../../../build/Release/obj.target/tsrun-launcher/native');

/** What runs in the child, and what those files use. */
const childFiles = [
  'launcher/birth', 'launcher/channel',
  'steps/child', 'plan/plan', 'steps/copy_up', 'steps/entry', 'steps/execute', 'steps/hooks', 'steps/identity', 'steps/mounts', 'steps/namespaces', 'steps/process', 'steps/release', 'steps/root',
  'steps/root_path', 'steps/terminal', 'steps/user_home', 'sys/file_system',
];

const memoryAndStrings = ['memchr', 'memcmp', 'memcpy', 'memmove', 'memset', 'strchr', 'strcmp', 'strlen', 'strncmp', 'strrchr', 'strstr'];
/** The same with the checks of -D_FORTIFY_SOURCE, and where those and the stack protector end. */
const hardening = ['__memcpy_chk', '__memmove_chk', '__memset_chk', '__chk_fail', '__stack_chk_fail', '__stack_chk_guard'];
/** Named by position-independent code of some linkers; no function. */
const linker = ['_GLOBAL_OFFSET_TABLE_'];
const allowed = new Set([...memoryAndStrings, ...hardening, ...linker]);

const child = childFiles.map((file) => ({ ...readObject(join(objects, `${file}.o`)), file }));

test('the child calls memory and string functions only', (t) => {
  t.deepEqual(escapes(child, allowed), []);
});

test('a function of ours outside of the checked files is not trusted', (t) => {
  const found = escapes(child.filter(({ file }) => file !== 'steps/root_path'), allowed);
  t.true(found.some((line) => line.includes('open_in_root')), found.join('\n'));
});

const plants: readonly (readonly [string, string])[] = [
  ['malloc', 'void* plant(unsigned long size) { return __builtin_malloc(size); }'],
  ['_Znwm', 'int* plant() { return new int(1); }'],
  ['__cxa_throw', 'void plant() { throw 1; }'],
  ['__cxa_guard_acquire', 'int first(); int plant() { static int value = first(); return value; }'],
  ['setuid', 'extern "C" int setuid(unsigned); int plant() { return setuid(0); }'],
];

for (const [symbol, code] of plants) {
  test(`a planted ${symbol} is found`, (t) => {
    const planted = readObject(compile(t, code));
    t.true(escapes([...child, planted], allowed).includes(`${planted.file}: ${symbol}`));
  });
}

function compile(t: ExecutionContext, code: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-symbols-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, 'plant.cc'), `${code}\n`);
  execFileSync('g++', ['-std=c++20', '-O2', '-c', '-o', join(folder, 'plant.o'), join(folder, 'plant.cc')]);
  return join(folder, 'plant.o');
}
