// What the program inherits: who it is, where, with which limits, descriptors, signals, environment and streams.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { answers, statusFields, statusOf } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function status(options: RunOptions = {}): Promise<Map<string, string>> {
  return statusFields((await lab.run({ command: ['cat', '/proc/self/status'], ...options })).stdout);
}

async function whoAmI(options: RunOptions = {}): Promise<Map<string, string>> {
  return answers((await lab.run({ command: ['who-am-i'], ...options })).stdout);
}

here('the user is given by number or by name, with groups of the image\'s own files', async (t) => {
  const cases: [RunOptions, string, string, string][] = [
    [{}, '0', '0', '0 10'],
    [{ user: 'app' }, '1000', '1000', '10 1000'],
    [{ user: '1000' }, '1000', '1000', '10 1000'],
    [{ user: 'app:daemon' }, '1000', '1', '1'],
    [{ user: '4242' }, '4242', '0', '0'],
    [{ user: '4242:4343' }, '4242', '4343', '4343'],
    [{ user: 'nobody', groups: ['wheel', 77] }, '65534', '65534', '10 77 65534'],
    [{ user: 'app', namespaces: { user: 'host' } }, '1000', '1000', '10 1000'],
  ];
  for (const [options, uid, gid, groups] of cases) {
    const fields = await status(options);
    t.deepEqual(fields.get('Uid')?.split('\t'), [uid, uid, uid, uid], JSON.stringify(options));
    t.deepEqual(fields.get('Gid')?.split('\t'), [gid, gid, gid, gid], JSON.stringify(options));
    t.is(fields.get('Groups'), groups, JSON.stringify(options));
  }
});

here('from outside the same ids are those of the container\'s range', async (t) => {
  const container = await lab.idle({ user: 'app' });
  const start = Number(readFileSync(`/proc/${container.pid}/uid_map`, 'utf8').trim().split(/\s+/)[1]);
  t.is(statusOf(container.pid).get('Uid')?.split('\t')[0], String(start + 1000));
  await container[Symbol.asyncDispose]();
});

here('the umask', async (t) => {
  t.is((await status()).get('Umask'), '0022');
  t.is((await status({ umask: 0o077 })).get('Umask'), '0077');
});

here('the environment is exactly what was asked for', async (t) => {
  const environment = async (options: RunOptions) => (await lab.run({ command: ['env'], ...options })).stdout.trim().split('\n').sort();
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  t.deepEqual(await environment({ hostname: 'name' }), ['HOME=/root', 'HOSTNAME=name', path]);
  t.deepEqual(await environment({ hostname: 'name', user: 'app', env: { A: 'x=y z', HOME: '/h', EMPTY: '' } }), ['A=x=y z', 'EMPTY=', 'HOME=/h', 'HOSTNAME=name', path]);
});

here('arguments arrive byte for byte', async (t) => {
  const given = ['', ' ', '*', '$HOME', '-n', 'ünï', '\u{1f600}', '"\'\\', 'a\nb', 'x'.repeat(100_000)];
  const { stdout } = await lab.run({ command: ['sh', '-c', 'for each; do printf "%s\\0" "$each"; done', 'sh', ...given] });
  t.deepEqual(stdout.split('\0').slice(0, -1), given);
});

here('the program is found in the PATH of the container, and runs in its working directory, which is made', async (t) => {
  const image = makeImage(lab, { folders: ['own'], files: { 'own/program': '#!/bin/sh\npwd; echo $0\n' }, mode: 0o755 });
  const { stdout } = await lab.run({ command: ['program'], cwd: '/a/b', env: { PATH: '/none:/own' } }, image);
  t.is(stdout, '/a/b\n/own/program\n');
  t.is((await lab.run({ command: ['./program'], cwd: '/own' }, image)).stdout, '/own\n./program\n');
});

here('limits: no core dumps, 1024 open files, and those that were asked for', async (t) => {
  const limits = async (options: RunOptions) => (await lab.run({ command: ['cat', '/proc/self/limits'], ...options })).stdout;
  const standard = await limits({});
  t.regex(standard, /^Max core file size\s+0\s+0\s/m);
  t.regex(standard, /^Max open files\s+1024\s+4096\s/m);
  const asked = await limits({ ulimits: { nofile: { soft: 64, hard: 128 }, nproc: { soft: 100, hard: 200 }, fsize: { soft: 4096, hard: 4096 }, cpu: { soft: 7, hard: 8 } } });
  t.regex(asked, /^Max open files\s+64\s+128\s/m);
  t.regex(asked, /^Max processes\s+100\s+200\s/m);
  t.regex(asked, /^Max file size\s+4096\s+4096\s/m);
  t.regex(asked, /^Max cpu time\s+7\s+8\s/m);
  const { stdout, status: ended } = await lab.sh('dd if=/dev/zero of=/tmp/x bs=1k count=9 2>/dev/null; echo $?; wc -c </tmp/x', { ulimits: { fsize: { soft: 4096, hard: 4096 } } });
  t.is(ended.code, 0);
  t.is(stdout, '153\n4096\n', 'SIGXFSZ ended it');
});

here('a program may be allowed fewer files than its launcher has open', async (t) => {
  const others = await Promise.all(Array.from({ length: 12 }, async () => lab.idle()));
  const few: RunOptions = { ulimits: { nofile: { soft: 20, hard: 20 } }, command: ['sh', '-c', 'ulimit -n; ls -l /proc/self/fd | wc -l'] };
  for (const options of [{}, { init: true }]) {
    const { stdout, stderr } = await lab.run({ ...few, ...options });
    // A line that begins the list, the three of the program, and the folder itself.
    t.is(stdout, '20\n5\n', stderr);
  }
  const container = await lab.idle({ init: true, ulimits: { nofile: { soft: 20, hard: 20 } } });
  t.is((await lab.exec(container, { command: ['sh', '-c', 'ulimit -n'] })).stdout, '20\n');
  for (const each of [...others, container]) await each[Symbol.asyncDispose]();
});

here('the oom score, from the host\'s side too', async (t) => {
  const container = await lab.idle({ oomScoreAdj: 321 });
  t.is(readFileSync(`/proc/${container.pid}/oom_score_adj`, 'utf8'), '321\n');
  await container[Symbol.asyncDispose]();
});

here('descriptors 0, 1 and 2 are all there is, whatever the caller has open', async (t) => {
  const held = ['/', '/etc', '/etc/passwd', '/dev/zero'].map((path) => openSync(path, 'r'));
  t.is((await whoAmI()).get('descriptors'), '0 1 2');
  t.is((await whoAmI({ init: true })).get('descriptors'), '0 1 2');
  const runtime = await lab.runtime();
  const created = await runtime.create(lab.image, { id: lab.newId(), command: ['who-am-i'] });
  created.start();
  t.is(answers((await outcome(created)).stdout).get('descriptors'), '0 1 2');
  const idle = await lab.idle();
  t.is(answers((await lab.exec(idle, { command: ['who-am-i'] })).stdout).get('descriptors'), '0 1 2');
  await idle[Symbol.asyncDispose]();
  for (const fd of held) closeSync(fd);
});

here('signals: nothing is ignored or blocked', async (t) => {
  const fields = await status();
  t.deepEqual(['SigIgn', 'SigBlk', 'SigCgt', 'SigPnd', 'ShdPnd'].map((name) => Number.parseInt(fields.get(name) ?? '1', 16)), [0, 0, 0, 0, 0]);
  const under = await status({ init: true });
  t.deepEqual(['SigIgn', 'SigBlk'].map((name) => Number.parseInt(under.get(name) ?? '1', 16)), [0, 0], 'under the reaper');
  const idle = await lab.idle();
  const executed = statusFields((await lab.exec(idle, { command: ['cat', '/proc/self/status'] })).stdout);
  t.deepEqual(['SigIgn', 'SigBlk'].map((name) => Number.parseInt(executed.get(name) ?? '1', 16)), [0, 0], 'executed');
  await idle[Symbol.asyncDispose]();
});

here('a session of its own without a terminal, that dies with the launcher', async (t) => {
  const answered = await whoAmI();
  t.is(answered.get('session'), '1 1 1');
  t.is(answered.get('terminal'), 'ENXIO');
  t.is(answered.get('death-signal'), '9');
});

here('every container has a new session keyring', async (t) => {
  const keyring = async () => (await whoAmI({ seccomp: 'unconfined' })).get('keyring')?.split(' ') ?? [];
  const [first, second] = [await keyring(), await keyring()];
  for (const [serial = '', description = ''] of [first, second]) {
    t.regex(serial, /^\d+$/);
    t.regex(description, /^keyring;0;0;.*;_tsrun$/, 'owned by the container\'s root');
  }
  t.not(first[0], second[0]);
});

here('standard streams: pipes, nothing, or descriptors of the caller', async (t) => {
  const piped = await lab.start({ command: ['cat'], stdin: 'pipe' });
  piped.stdin?.end('through\n');
  t.is((await outcome(piped)).stdout, 'through\n');
  t.is((await lab.sh('readlink /proc/self/fd/0', { stdin: 'ignore' })).stdout, '/dev/null\n');
  t.is((await lab.sh('cat')).stdout, '', 'no input by default');
  const folder = mkdtempSync('/run/tsrun-test-files-');
  const fd = openSync(join(folder, 'out'), 'w');
  const { stdout, stderr } = await lab.sh('echo out; echo err >&2', { stdout: fd, stderr: 'pipe' });
  closeSync(fd);
  t.deepEqual([stdout, stderr, readFileSync(join(folder, 'out'), 'utf8')], ['', 'err\n', 'out\n']);
  rmSync(folder, { recursive: true });
});

here('much output arrives whole, and a reader that goes away ends the writer', async (t) => {
  const { stdout } = await lab.sh('yes 0123456789abcde | head -c 8000000');
  t.is(stdout.length, 8_000_000);
  // The first process of a pid namespace is not killed by SIGPIPE, but sees the error; under the reaper it is.
  for (const [init, code, cause] of [[false, 1, 'exit'], [true, 141, 'signal']] as const) {
    const endless = await lab.start({ command: ['yes'], init });
    endless.stdout?.once('data', () => endless.stdout?.destroy());
    t.like(await endless.exited, { code, cause });
  }
});

here('exit codes and signals are told as they were', async (t) => {
  for (const code of [0, 1, 42, 255]) t.like((await lab.sh(`exit ${code}`)).status, { code, cause: 'exit' });
  t.like((await lab.sh('kill -SEGV $$; exec sleep 1')).status, { code: 0 }, 'pid 1 is safe from itself');
  t.is((await lab.sh('sh -c "kill -TERM \\$\\$"; echo $?')).stdout, '143\n');
  const container = await lab.idle();
  await container.kill('SIGKILL');
  t.like(await container.exited, { code: 137, signal: 'SIGKILL', cause: 'signal', oomKills: 0 });
});

here('parameters of the kernel, of the container\'s namespaces only', async (t) => {
  const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  const { stdout } = await lab.sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start', {
    sysctls: { 'net.ipv4.ip_forward': before === '1\n' ? '0' : '1', 'kernel.msgmax': '4321' },
  });
  t.is(stdout, `${before === '1\n' ? '0' : '1'}\n4321\n0\n`);
  t.is(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), before);
  for (const key of ['kernel.core_pattern', 'vm.swappiness', 'kernel.../../x', 'fs.file-max']) {
    const error = await t.throwsAsync(lab.idle({ sysctls: { [key]: '1' } }), { instanceOf: TsrunError }, key);
    t.regex(error.field ?? '', /sysctl/);
  }
});

here('a device that was given can be used, with the mode of the host\'s and the access that was asked for', async (t) => {
  const script = 'stat -c "%F %t:%T %a" /dev/zwei; head -c 2 /dev/zwei | wc -c; echo >/dev/zwei && echo written';
  const outcome = async (access?: string) => {
    const { stdout } = await lab.sh(script, { devices: [{ source: '/dev/zero', destination: '/dev/zwei', ...(access !== undefined && { access }) }] });
    return stdout.trim().split('\n');
  };
  const node = `character special file 1:5 ${(statSync('/dev/zero').mode & 0o777).toString(8)}`;
  t.deepEqual(await outcome(), [node, '2', 'written']);
  t.deepEqual(await outcome('r'), [node, '2']);
  t.deepEqual(await outcome('w'), [node, '0', 'written']);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

here('as many groups as Linux knows', async (t) => {
  for (const count of [1500, 65_536]) {
    const groups = Array.from({ length: count }, (_, index) => index);
    const { stdout, stderr } = await lab.sh('grep ^Groups /proc/self/status | wc -w', { groups });
    t.deepEqual([stdout, stderr], [`${count + 1}\n`, '']);
  }
});

lab.declareLeakTest();
