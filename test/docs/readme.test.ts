// The README: its example does what it says, and it names no file that is not there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeImage } from '../support/images.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { blocksOf, checkout, compile, makeProject } from './examples.js';
import { RunningProgram } from './running-program.js';

const lab = new Lab();
const readme = readFileSync(join(checkout, 'README.md'), 'utf8');

/** A stand-in: speaks, listens on PORT, has a handler of SIGTERM. */
const server = '#!/bin/sh\n[ "$1" = server.js ] || exit 1\ntrap "exit 7" TERM\nbusybox httpd -p "$PORT"\necho listening\nwhile :; do sleep 0.1; done\n';

test('every file that it names is there', (t) => {
  const named = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)|`((?:docs|test|src)\/[\w./-]+)`/g)].map(([, link, path]) => link ?? path ?? '');
  t.true(named.length >= 5);
  t.deepEqual(named.filter((path) => !existsSync(join(checkout, path))), []);
});

test('the example is short', (t) => {
  const [example] = blocksOf('README.md').filter(({ language }) => language === 'ts');
  t.true((example?.text.trim().split('\n').length ?? 100) <= 18);
});

needs('root', 'userns', 'overlay', 'cgroup2:memory')('the example runs', async (t) => {
  t.timeout(60_000 * patience);
  const [example] = blocksOf('README.md').filter(({ language }) => language === 'ts');
  const project = makeProject(lab.scratch);
  const image = makeImage(lab, { files: { 'bin/node': server }, mode: 0o755 });
  // Asked before the stop: a socket forgets its peer's port once the peer's end is gone.
  const text = example?.text.replace('./my-rootfs', image).replace('const status', 'const { remotePort } = socket;\nconst status') ?? '';
  const program = compile(project, 'example', `${text}console.log(JSON.stringify(status), remotePort);\n`);
  await using running = new RunningProgram(program, [], { cwd: project });
  t.deepEqual(await running.ended, { code: 0, signal: null }, running.output);
  t.regex(running.output, /^uid=0\(?.*gid=0/m, 'what was executed');
  t.regex(running.output, /^\{"code":7,"cause":"exit",.*\} 5000$/m);
});

test.after.always(() => {
  lab.removeFolders();
});
