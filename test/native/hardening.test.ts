/** What the compiler and the linker were asked to put around the native code stands in the files that were built (elf(5)). */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import test from 'ava';

const built = resolve(import.meta.dirname, '../../../build/Release');

function readelf(file: string, ...options: string[]): string {
  return execFileSync('readelf', ['--wide', ...options, join(built, file)], { encoding: 'utf8' });
}

interface Segment {
  readonly type: string;
  readonly flags: string;
}

function segments(file: string): Segment[] {
  const lines = readelf(file, '--segments').matchAll(/^ {2}([A-Z_]+) +0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([R ][W ][E ])/gm);
  return [...lines].map(([, type = '', flags = '']) => ({ type, flags: flags.replaceAll(' ', '') }));
}

function symbols(file: string): string {
  return readelf(file, '--symbols');
}

const files = ['tsrun.node', 'tsrun-launcher', 'tsrun-archive', 'tsrun-reaper'];

for (const file of files) {
  test(`${file}: it may lie anywhere, its addresses are settled at its start, and nothing is both written and executed`, (t) => {
    t.regex(readelf(file, '--file-header'), /^ +Type: +DYN /m, 'position-independent');
    const all = segments(file);
    t.true(all.length > 3, 'control: segments were read');
    t.deepEqual(all.filter(({ flags }) => flags.includes('W') && flags.includes('E')), []);
    t.deepEqual(all.filter(({ type }) => type === 'GNU_STACK'), [{ type: 'GNU_STACK', flags: 'RW' }]);
    t.true(all.some(({ type }) => type === 'GNU_RELRO'));
    const dynamic = readelf(file, '--dynamic');
    t.regex(dynamic, /BIND_NOW/);
    t.notRegex(dynamic, /RPATH|RUNPATH|TEXTREL/);
  });
}

test('code lies in pages of its own, with no data to look for gadgets in', (t) => {
  for (const file of files) t.deepEqual(segments(file).filter(({ type, flags }) => type === 'LOAD' && flags.includes('E')), [{ type: 'LOAD', flags: 'RE' }], file);
});

test('the launcher and the reaper load nothing', (t) => {
  for (const file of files.slice(1)) {
    t.notRegex(readelf(file, '--dynamic'), /NEEDED/);
    t.false(segments(file).some(({ type }) => type === 'INTERP'));
  }
  t.regex(readelf('tsrun.node', '--dynamic'), /NEEDED/, 'control');
});

test('nobody would relocate the reaper, which has no C library', (t) => {
  t.regex(readelf('tsrun-reaper', '--relocs'), /There are no relocations/);
  t.notRegex(readelf('tsrun-launcher', '--relocs'), /There are no relocations/, 'control');
});

test('the stack protector and the C library\'s checked functions are in the addon and the launcher', (t) => {
  t.regex(symbols('tsrun.node'), / __stack_chk_fail/);
  t.regex(symbols('tsrun.node'), / __\w+_chk(?:@|$)/m);
  t.regex(symbols('tsrun-launcher'), / __stack_chk_fail$/m);
});

test('what we compile can only be entered where it is meant to be', (t) => {
  // The linker drops the mark from the whole where a library comes without it.
  const object = 'obj.target/tsrun-launcher/native/steps/child.o';
  t.regex(readelf(object, '--notes'), process.arch === 'x64' ? /IBT, SHSTK/ : /BTI, PAC/);
});

test('the addon loads beside the libstdc++ of older distributions', (t) => {
  const versions = [...readelf('tsrun.node', '--version-info').matchAll(/GLIBCXX_3\.4\.(\d+)/g)].map(([, minor]) => Number(minor));
  t.true(versions.length > 0, 'control');
  t.true(Math.max(...versions) <= 21, 'what Node 20 needs itself (BUILDING.md: GCC 5 and newer)');
});
