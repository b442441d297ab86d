/** Runs the completion scripts in their shells. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { completionScript } from '../../src/cli/completion.js';

const folder = mkdtempSync(join(tmpdir(), 'tsrun-completion-'));
test.before(() => {
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'images', 'busybox'), { recursive: true });
  writeFileSync(join(folder, 'app.env'), '');
  writeFileSync(join(folder, 'bin', 'tsrun'), '#!/bin/sh\n[ "$*" = "ps -a -q" ] && printf "web.1\\nweb.2\\nworker.1\\n"\n[ "$*" = "images --names" ] && printf "imagine:1\\nweb:2\\nlocalhost:5000/web:2\\n"\n');
  chmodSync(join(folder, 'bin', 'tsrun'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(folder, shell), completionScript(shell));
});
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

function runShell(shell: string, words: readonly string[]): string {
  const { stdout, stderr, status, error } = spawnSync(shell, words, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${shell} ended with ${String(status)}: ${stderr}`);
  return stdout;
}

const installed = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** What bash would offer at the end of a line that its word breaks have split in this way. */
function bash(...words: string[]): string[] {
  const program = 'source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tsrun; printf "%s\\n" "${COMPREPLY[@]}"';
  return runShell('bash', ['--norc', '-uc', program, 'bash', ...words]).split('\n').filter((line) => line !== '');
}

test('bash: commands', (t) => {
  t.true(bash('tsrun', '').includes('unpause'));
  t.deepEqual(bash('tsrun', 'un'), ['unpause', 'unmount']);
  t.deepEqual(bash('tsrun', 'help', 'sto'), ['stop']);
  t.deepEqual(bash('tsrun', 'completion', ''), ['bash', 'zsh', 'fish']);
});

test('bash: flags, until the image', (t) => {
  t.deepEqual(bash('tsrun', 'run', '--memory-'), ['--memory-swap', '--memory-reservation']);
  t.deepEqual(bash('tsrun', 'run', '-itu', 'root', '--memory-s'), ['--memory-swap']);
  t.deepEqual(bash('tsrun', 'run', '-ePORT', '=', '1', '--memory-s'), ['--memory-swap']);
  t.deepEqual(bash('tsrun', 'run', '-m', '5', './image', '--memory-s'), []);
  t.deepEqual(bash('tsrun', 'run', '--', '--memory-s'), []);
  t.deepEqual(bash('tsrun', 'logs', 'web.1', '--fo'), ['--follow']);
  t.deepEqual(bash('tsrun', 'explain', '--diff', './image', '--', '--memory-s'), ['--memory-swap']);
});

test('bash: values, after a space, after "=" and after ":"', (t) => {
  t.deepEqual(bash('tsrun', 'run', '--network', ''), ['none', 'user', 'bridge', 'host', 'container:', 'ns:']);
  t.deepEqual(bash('tsrun', 'run', '--network', '=', ''), ['none', 'user', 'bridge', 'host', 'container:', 'ns:']);
  t.deepEqual(bash('tsrun', 'run', '--network', '=', 'h'), ['host']);
  t.deepEqual(bash('tsrun', 'run', '--security-opt', 'seccomp', '=', 'un'), ['unconfined']);
  t.deepEqual(bash('tsrun', 'run', '--security-opt', '=', 'seccomp', '=', 'un'), ['unconfined']);
  t.deepEqual(bash('tsrun', 'run', '--env-file', 'app'), ['app.env']);
  t.deepEqual(bash('tsrun', 'run', '-itd', '--cap-add', 'NET_A'), ['NET_ADMIN']);
});

test('bash: containers and images', (t) => {
  t.deepEqual(bash('tsrun', 'logs', 'we'), ['web.1', 'web.2']);
  t.deepEqual(bash('tsrun', 'logs', 'web.1', 'we'), []);
  t.deepEqual(bash('tsrun', 'stop', '-t', '5', 'web.1', 'wo'), ['worker.1']);
  t.deepEqual(bash('tsrun', 'exec', 'web.1', 'we'), []);
  t.deepEqual(bash('tsrun', 'run', '-i', 'imag'), ['images', 'imagine:1']);
  t.deepEqual(bash('tsrun', 'run', './imag'), ['./images'], 'a path');
  t.deepEqual(bash('tsrun', 'run', 'app'), ['app.env'], 'a file may be an image');
  t.deepEqual(bash('tsrun', 'rmi', 'imag'), ['imagine:1'], 'of the store alone');
  t.deepEqual(bash('tsrun', 'rmi', 'localhost', ':', '5000/'), ['5000/web:2'], 'bash breaks words at a colon');
  t.deepEqual(bash('tsrun', 'inspect', 'we'), ['web.1', 'web.2', 'web:2']);
  t.deepEqual(bash('tsrun', 'run', 'images', 'imag'), []);
});

test('bash: the script registers itself', (t) => {
  t.regex(runShell('bash', ['--norc', '-c', 'source ./bash; complete -p tsrun']), /-F _tsrun tsrun/);
});

if (installed('fish')) {
  // `-sw`, since fish 4 finds an `s` in `--memory-reservation` too.
  const fish = (line: string) =>
    runShell('fish', ['--no-config', '-c', 'source ./fish; complete -C $argv[1]', line])
      .split('\n')
      .map((each) => each.split('\t')[0] ?? '')
      .filter((each) => each !== '');

  test('fish: commands, flags, values, containers and images', (t) => {
    t.deepEqual(fish('tsrun un'), ['unmount', 'unpause']);
    t.deepEqual(fish('tsrun help sto'), ['stop']);
    t.deepEqual(fish('tsrun run -itu root --memory-sw'), ['--memory-swap']);
    t.deepEqual(fish('tsrun run -ePORT=1 --memory-sw'), ['--memory-swap']);
    t.deepEqual(fish('tsrun run -m 5 ./image --memory-sw'), []);
    t.deepEqual(fish('tsrun run --network ').sort(), ['bridge', 'container:', 'host', 'none', 'ns:', 'user']);
    t.deepEqual(fish('tsrun run --env-file app'), ['app.env']);
    t.deepEqual(fish('tsrun logs we'), ['web.1', 'web.2']);
    t.deepEqual(fish('tsrun logs web.1 we'), []);
    t.deepEqual(fish('tsrun stop -t 5 web.1 wo'), ['worker.1']);
    t.deepEqual(fish('tsrun run imag').sort(), ['images/', 'imagine:1']);
    t.deepEqual(fish('tsrun rmi imag'), ['imagine:1']);
    t.deepEqual(fish('tsrun inspect we').sort(), ['web.1', 'web.2', 'web:2']);
  });
} else test.skip('fish: not tested, fish is not installed', () => undefined);

if (installed('zsh')) {
  test('zsh: the script is sound', (t) => {
    t.is(runShell('zsh', ['-f', '-n', './zsh']), '');
  });

  // Completion works in an interactive shell alone, so one is driven through a pseudo-terminal.
  const zsh = (line: string, expected: string) =>
    runShell('zsh', ['-f', '-c', `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "PS1=; autoload -Uz compinit; compinit -u -d ./dump; source ./zsh; LISTMAX=10000; bindkey '^I' list-choices; echo REA''DY"
      zpty -r shell answer '*READY*'
      zpty -w -n shell "$1"$'\\t'
      zpty -r shell answer "*$2*"
      print -r -- "$answer"
      zpty -d shell`, 'zsh', line, expected]);

  test('zsh: commands, flags, values and containers', (t) => {
    t.regex(zsh('tsrun ', 'unpause*--*let frozen'), /attach +-- connect to a running/);
    t.regex(zsh('tsrun run -m 5 --memory-', 'memory-swap*-- memory and swap'), /--memory-reservation/);
    t.regex(zsh('tsrun run --network ', 'host*ns:'), /host +none +ns:/);
    t.regex(zsh('tsrun rmi ', 'localhost'), /imagine:1/);
    t.regex(zsh('tsrun stop -t 5 web.1 ', 'worker.1'), /web\.1 +web\.2 +worker\.1/);
  });
} else test.skip('zsh: not tested, zsh is not installed', () => undefined);
