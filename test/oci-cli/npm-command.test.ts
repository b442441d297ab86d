// The command `tsrun-oci` as npm puts it on the PATH.
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { builtProgram } from '../support/built-program.js';
import { membersOf, readObject } from '../support/json.js';
import { needs } from '../support/needs.js';

const checkout = resolve(import.meta.dirname, '../../..');
const command = join(checkout, 'bin/tsrun-oci');
const call = (path: string, ...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(path, words, { encoding: 'utf8', cwd: '/' });
  return { status, stdout, stderr };
};

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tsrun-npm-'));
  t.teardown(() => { rmSync(path, { recursive: true }); });
  return path;
}

/** An installed package with nothing but the command. */
function emptyPackage(t: ExecutionContext): string {
  const root = folder(t);
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync(command, join(root, 'bin/tsrun-oci'));
  return root;
}

test('the package names commands that can be executed', (t) => {
  const paths = Object.entries(membersOf(readObject(readFileSync(join(checkout, 'package.json'), 'utf8'))['bin']));
  t.deepEqual(paths.map(([name]) => name), ['tsrun', 'tsrun-oci']);
  t.notThrows(() => { for (const [, path] of paths) accessSync(join(checkout, String(path)), constants.X_OK); });
});

needs(`file:/${builtProgram('tsrun-oci').slice(1)}`)('it becomes the program, also by the link that npm makes', (t) => {
  const link = join(folder(t), 'tsrun-oci');
  symlinkSync(command, link);
  const own = call(builtProgram('tsrun-oci'), '--version');
  t.is(own.status, 0);
  for (const path of [command, link]) t.deepEqual(call(path, '--version'), own);
});

test('words and status are the program\'s; a prebuilt one comes first', (t) => {
  const root = emptyPackage(t);
  for (const [place, status] of [['build/Release', 3], [`prebuilds/linux-${process.arch}`, 4]] as const) {
    mkdirSync(join(root, place), { recursive: true });
    writeFileSync(join(root, place, 'tsrun-oci'), `#!/bin/sh\nprintf '<%s>' "$@"\nexit ${status}\n`);
    chmodSync(join(root, place, 'tsrun-oci'), 0o755);
    t.deepEqual(call(join(root, 'bin/tsrun-oci'), 'a b', '', '--c'), { status, stdout: '<a b><><--c>', stderr: '' });
  }
});

test('where there is none for this processor, that is said', (t) => {
  const { status, stderr } = call(join(emptyPackage(t), 'bin/tsrun-oci'), 'list');
  t.is(status, 127);
  t.regex(stderr, new RegExp(`^tsrun-oci: no program for linux-${process.arch} below .*: install the package again, or run 'npm run build' in a checkout`));
});
