/** Parts of the launcher that fail only where the kernel lacks something: each as a program of its own, with what it lacks. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { needs } from '../support/needs.js';

const checkout = resolve(import.meta.dirname, '../../..');

/** The program's exit code. */
function run(t: ExecutionContext, program: string, ...parts: readonly string[]): number | null {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-part-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const sources = [join(checkout, 'test/native', program), ...parts.map((part) => join(checkout, 'native', part))];
  execFileSync('g++', ['-std=c++20', '-O1', '-I', join(checkout, 'native'), '-o', join(folder, 'part'), ...sources]);
  return spawnSync(join(folder, 'part'), { stdio: 'inherit' }).status;
}

test('a watch that could not be added is not taken for one that is there', (t) => {
  t.is(run(t, 'add-watch.cc', 'launcher/watch.cc'), 0);
});

needs('root')('who cannot get into the source\'s root goes home', (t) => {
  t.is(run(t, 'enter-source.cc', 'launcher/home.cc', 'sys/file_system.cc'), 0);
});
