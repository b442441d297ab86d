/** The executable itself, as far as it goes without a container. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { completionScript } from '../../src/cli/completion.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

// The `--` is the installed executable's: without it Node 20 takes --env-file for its own.
function tsrun(...words: string[]) {
  const env = { ...process.env, FORCE_COLOR: '0' };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--', main, ...words], { encoding: 'utf8', env, timeout: 20_000 });
  return { status, stdout, stderr };
}

test('help and version go to standard output, with code 0', (t) => {
  for (const words of [[], ['--help'], ['-h'], ['help']]) {
    const { status, stdout, stderr } = tsrun(...words);
    t.is(status, 0);
    t.regex(stdout, /^Usage: tsrun COMMAND/m);
    t.is(stderr, '');
  }
  t.is(tsrun('help', 'run').stdout, tsrun('run', '--help').stdout);
  t.regex(tsrun('run', '-i', '--help').stdout, /^Usage: tsrun run /);
  t.regex(tsrun('--version').stdout, /^tsrun \d+\.\d+\.\d+\n$/);
});

test('errors go to standard error in two lines, with code 125', (t) => {
  t.deepEqual(tsrun('sotp'), {
    status: 125,
    stdout: '',
    stderr: 'tsrun: unknown command "sotp", did you mean "stop"?\nhint: tsrun --help lists the commands\n',
  });
  t.is(tsrun('help', 'sotp').status, 125);
  const { status, stdout, stderr } = tsrun('run', '-m', 'much', './image');
  t.is(status, 125);
  t.is(stdout, '');
  t.regex(stderr, /^tsrun: invalid value "much" for -m: .*\nhint: for example -m 512m\n$/);
});

test('a file without end behind a flag is refused, and a pipe is read', (t) => {
  const endless = (...words: string[]) => tsrun('explain', ...words, './image');
  const { status, stderr } = endless('--env-file', '/dev/zero');
  t.deepEqual([status, stderr], [125, 'tsrun: invalid value "/dev/zero" for --env-file: the file is larger than 1MiB\nhint: give one that is smaller\n']);
  t.regex(endless('--security-opt', 'seccomp=/dev/zero').stderr, /^tsrun: invalid value "seccomp=\/dev\/zero" for --security-opt: the file is larger than 4MiB\n/);
  const piped = spawnSync('sh', ['-c', '{ echo A=1; sleep 0.1; echo "B C=2"; } | "$0" -- "$1" explain --env-file /dev/stdin ./image', process.execPath, main], { encoding: 'utf8' });
  t.regex(piped.stderr, /line 2: the name "B C" holds white space/, 'all of it');
});

test('a command is loaded and run', (t) => {
  t.deepEqual(tsrun('completion', 'fish'), { status: 0, stdout: completionScript('fish'), stderr: '' });
  t.is(tsrun('completion', 'tcsh').status, 125);
});

test('a reader that leaves early is no failure that is told', (t) => {
  const { stderr } = spawnSync('sh', ['-c', '"$0" "$1" completion bash | head -n 1 >/dev/null', process.execPath, main], { encoding: 'utf8' });
  t.is(stderr, '');
});

test('output that cannot be written is told in a sentence, and where that cannot be either, by the code', (t) => {
  const shell = (line: string) => spawnSync('sh', ['-c', line, process.execPath, main], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } });
  const { status, stderr } = shell('"$0" "$1" completion bash >/dev/full');
  t.deepEqual([status, stderr], [1, 'tsrun: output cannot be written: no space left on device (ENOSPC)\nhint: make room where it leads, or send it elsewhere\n']);
  t.is(shell('"$0" "$1" sotp 2>/dev/full').status, 125);
});

test('no handler is imported before its command is known', (t) => {
  const imports = (file: string) => [...readFileSync(new URL(`../../src/cli/${file}`, import.meta.url), 'utf8').matchAll(/^import .*'(\.\/[^']+)'/gm)].map(([, name]) => name);
  const allowed = ['bounded-file', 'commands', 'failure', 'handlers', 'help', 'output', 'parse', 'tell', 'version'].map((name) => `./${name}.js`);
  t.deepEqual(imports('main.js').filter((name) => name !== undefined && !allowed.includes(name)), []);
  const tables = ['dyno-commands', 'inside-commands', 'watching-commands'].map((name) => `./${name}.js`);
  for (const file of ['commands.js', ...tables, 'handlers.js']) t.deepEqual(imports(file).filter((name) => name !== undefined && !tables.includes(name)), []);
});
