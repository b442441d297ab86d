import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBeginning } from '../../src/cli/bounded-file.js';

const folder = mkdtempSync(join(tmpdir(), 'tsrun-bounded-'));

test('a file is read to its end or to the bound, whatever its size says', (t) => {
  const path = join(folder, 'file');
  writeFileSync(path, 'x'.repeat(200_000));
  t.is(readBeginning(path, 1_000_000).toString(), 'x'.repeat(200_000));
  t.is(readBeginning(path, 100_000).length, 100_000);
  t.is(readBeginning('/dev/zero', 100_000).length, 100_000);
  t.is(readBeginning('/dev/null', 100_000).length, 0);
  t.regex(readBeginning('/proc/self/status', 100_000).toString(), /^Name:/);
  t.throws(() => readBeginning(join(folder, 'absent'), 1), { code: 'ENOENT' });
});

test('a pipe is read until its last writer leaves', (t) => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  spawn('sh', ['-c', `{ echo A=1; sleep 0.1; echo B=2; } > ${path}`]);
  t.is(readBeginning(path, 1000).toString(), 'A=1\nB=2\n');
});

test.after.always(() => {
  rmSync(folder, { recursive: true });
});
