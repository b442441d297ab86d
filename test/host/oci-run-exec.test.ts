// tsrun-oci run and exec: streams, statuses, who the process is, and what it inherits.
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { ociLab, ociTest, program } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();

here('run gives what the program printed and exited with, and leaves nothing', (t) => {
  const id = lab.newId();
  const answer = lab.call('run', '--bundle', lab.bundle({ args: ['sh', '-c', 'echo out; echo err >&2; exit 7'] }), id);
  t.deepEqual([answer.code, answer.stdout, answer.stderr], [7, 'out\n', 'err\n']);
  t.deepEqual(lab.traces(id), []);
  t.is(lab.call('run', '--keep', '--bundle', lab.bundle({ args: ['true'] }), id).code, 0);
  t.is(lab.status(id), 'stopped');
  t.is(lab.call('delete', id).code, 0);
});

here('run in the background', (t) => {
  const id = lab.newId();
  t.is(lab.call('run', '--detach', '--bundle', lab.bundle(), id).code, 0);
  t.is(lab.status(id), 'running');
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('signals for run are the program\'s', async (t) => {
  const id = lab.newId();
  const child = spawn(program, ['--root', lab.root, 'run', '--bundle', lab.bundle({ args: ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'] }), id], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  await new Promise((done) => child.stdout.once('data', done));
  child.kill('SIGTERM');
  t.is(await ended, 9);
  t.deepEqual(lab.traces(id), []);
});

here('a program that a signal ends', async (t) => {
  const id = lab.newId();
  const ended = lab.begin('run', '--bundle', lab.bundle(), id);
  await until(() => lab.call('state', id).stdout.includes('"running"'), 'its start');
  t.is(lab.call('kill', id, 'KILL').code, 0);
  t.is((await ended).code, 137);
  t.deepEqual(lab.traces(id), []);
});

here('a run that is killed takes its container with it', async (t) => {
  const id = lab.newId();
  const child = spawn(program, ['--root', lab.root, 'run', '--bundle', lab.bundle(), id], { stdio: 'ignore' });
  const ended = new Promise((done) => child.on('exit', done));
  await until(() => lab.call('state', id).stdout.includes('"running"'), 'its start');
  child.kill('SIGKILL');
  await ended;
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('delete', id).code, 0);
  t.deepEqual(lab.traces(id), []);
});

here('exec into a container that hands its controllers down goes where its first process is', async (t) => {
  const tree = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] };
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/sys', type: 'tmpfs', source: 'tmpfs' }, tree];
  // As systemd does in a container.
  const script = 'cd /sys/fs/cgroup && mkdir inner && echo 1 > inner/cgroup.procs && for name in $(cat cgroup.controllers); do echo +$name > cgroup.subtree_control; done; sleep 1000';
  const id = lab.running({ args: ['sh', '-c', script], more: { mounts } });
  const cgroup = lab.traces(id).find((path) => path.startsWith('/sys/fs/cgroup/')) ?? '';
  await until(() => readFileSync(join(cgroup, 'cgroup.subtree_control'), 'utf8') !== '', 'what it hands down');
  t.like(lab.call('exec', id, 'grep', '^0::', '/proc/self/cgroup'), { code: 0, stdout: '0::/inner\n', stderr: '' });
  t.is(lab.call('ps', '--format', 'json', id).stdout.trim(), `[${lab.pidOf(id)}]`);
  t.is(lab.call('pause', id).code, 0);
  t.is(lab.call('resume', id).code, 0);
  lab.remove(t, id);
});

here('exec: streams, status, and what cannot be executed', (t) => {
  const id = lab.running();
  const answer = lab.call('exec', id, 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.deepEqual([answer.code, answer.stdout, answer.stderr], [7, 'out\n', 'err\n']);
  t.is(lab.call('exec', id, 'sh', '-c', 'kill -9 $$').code, 137);
  for (const [name, says] of [['', 'exec: "": executable file not found in $PATH\n'], ['/no/such', 'exec: "/no/such": stat /no/such: no such file or directory\n'], ['nosuch', 'exec: "nosuch": executable file not found in $PATH\n'], ['/etc/passwd', 'exec: "/etc/passwd": permission denied\n']] as const) {
    const failed = lab.call('exec', id, name);
    t.deepEqual([failed.code, failed.stderr], [255, says]);
  }
  // Any other status would be the program's own.
  for (const [words, says] of [[[id], 'process args cannot be empty\n'], [['nobody', 'true'], 'container does not exist\n'], [['--user', 'x', id, 'true'], /x/], [['--process', '/no/such', id], /\/no\/such/]] as const) {
    const failed = lab.call('exec', ...words);
    t.is(failed.code, 255, failed.stderr);
    if (typeof says === 'string') t.is(failed.stderr, says);
    else t.regex(failed.stderr, says);
  }
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('exec is in the container: namespaces, cgroup, root, and as whom it was told', (t) => {
  const id = lab.running();
  const pid = String(lab.state(id)['pid']);
  const links = ['pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup'].map((name) => `/proc/self/ns/${name}`);
  const inside = lab.call('exec', id, 'sh', '-c', `for link in ${links.join(' ')}; do readlink $link; done`).stdout.trim().split('\n');
  t.deepEqual(inside, links.map((link) => spawnSync('readlink', [link.replace('self', pid)], { encoding: 'utf8' }).stdout.trim()));
  t.is(lab.call('exec', '--user', '1000:1001', '--additional-gids', '7', id, 'id', '-u').stdout, '1000\n');
  t.is(lab.call('exec', '--user', '1000:1001', '--additional-gids', '7', id, 'id', '-G').stdout, '1001 7\n');
  t.is(lab.call('exec', '--cwd', '/tmp', '--env', 'A=b c', id, 'sh', '-c', 'pwd; echo "$A"').stdout, '/tmp\nb c\n');
  const bits = (answer: string) => /CapEff:\t([0-9a-f]+)/.exec(answer)?.[1];
  t.is(bits(lab.call('exec', id, 'cat', '/proc/self/status').stdout), '0000000020000020');
  t.is(bits(lab.call('exec', '--cap', 'CAP_NET_RAW', id, 'cat', '/proc/self/status').stdout), '0000000020002020');
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('exec of a process in a file, in the background, with its pid in another', async (t) => {
  const id = lab.running();
  const [file, pidFile] = [join(lab.folder, 'process.json'), join(lab.folder, 'exec-pid')];
  writeFileSync(file, JSON.stringify({ args: ['sh', '-c', 'sleep 1000'], cwd: '/', env: ['PATH=/bin'], user: { uid: 12, gid: 13 } }));
  t.is(lab.call('exec', '--process', file, '--detach', '--pid-file', pidFile, id).code, 0);
  const pid = readFileSync(pidFile, 'utf8');
  t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /Uid:\t12\t12\t12\t12\nGid:\t13\t/);
  t.deepEqual(lab.traces(id).filter((trace) => trace.startsWith('launcher')), []);
  const pids: unknown = JSON.parse(lab.call('ps', '--format', 'json', id).stdout);
  t.true(Array.isArray(pids) && pids.includes(Number(pid)));
  t.is(lab.call('kill', '--all', id, 'KILL').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('delete', id).code, 0);
});

here('what a process in a file does not say of capabilities and the score is the container\'s', (t) => {
  const file = join(lab.folder, 'little.json');
  const id = lab.running({ process: { oomScoreAdj: 300 } });
  const told = (process: Readonly<Record<string, unknown>>) => {
    writeFileSync(file, JSON.stringify({ args: ['sh', '-c', 'grep CapBnd /proc/self/status; cat /proc/self/oom_score_adj'], cwd: '/', env: ['PATH=/bin'], ...process }));
    return lab.call('exec', '--process', file, id).stdout;
  };
  t.is(told({}), 'CapBnd:\t0000000020000020\n300\n');
  t.is(told({ capabilities: null, oomScoreAdj: null }), 'CapBnd:\t0000000020000020\n300\n');
  t.is(told({ capabilities: { bounding: ['CAP_KILL'] }, oomScoreAdj: 400 }), 'CapBnd:\t0000000000000020\n400\n');
  t.is(told({ capabilities: {} }), 'CapBnd:\t0000000000000000\n300\n');
  lab.remove(t, id);
});

here('of a variable that is there more than once the last value is the program\'s', (t) => {
  const id = lab.running({ process: { env: ['PATH=/none', 'A=1', 'PATH=/bin', 'A=2=3', 'B', 'HOME=/'] } });
  t.is(readFileSync(`/proc/${lab.pidOf(id)}/environ`, 'utf8'), 'PATH=/bin\0A=2=3\0B\0HOME=/\0');
  t.is(lab.call('exec', '--env', 'A=4', '-e', 'C=5', '-e', 'C=', id, 'cat', '/proc/self/environ').stdout, 'PATH=/bin\0B\0HOME=/\0A=4\0C=\0');
  const file = join(lab.folder, 'twice.json');
  writeFileSync(file, JSON.stringify({ args: ['cat', '/proc/self/environ'], cwd: '/', env: ['PATH=/none', 'HOME=/', 'PATH=/bin'] }));
  t.is(lab.call('exec', '--process', file, id).stdout, 'HOME=/\0PATH=/bin\0');
  lab.remove(t, id);
});

here('exec in the background of what ends at once is no failure', (t) => {
  const id = lab.running();
  for (let count = 0; count < 40; count++) t.deepEqual(lab.call('exec', '--detach', id, 'true'), { code: 0, signal: null, stdout: '', stderr: '' });
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('capabilities that this host cannot grant are left out, and told of in the log', (t) => {
  const log = join(lab.folder, 'log');
  const all = ['CAP_KILL', 'CAP_SYS_TIME'];
  const bundle = lab.bundle({ args: ['grep', 'CapPrm', '/proc/self/status'], process: { capabilities: { bounding: all, effective: all, permitted: all } } });
  const words = ['--bounding-set=-sys_time', program, '--root', lab.root, '--log', log, '--log-format', 'json', 'run', '--bundle', bundle, lab.newId()];
  const { stdout } = spawnSync('setpriv', words, { encoding: 'utf8', timeout: 30_000 });
  t.is(stdout, 'CapPrm:\t0000000000000020\n');
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: 'ignoring unknown or unavailable capabilities: [CAP_SYS_TIME]' });
});

here('descriptors that are preserved are the program\'s from 3 on, and no others', (t) => {
  const file = join(lab.folder, 'inherited');
  writeFileSync(file, 'from three\n');
  const descriptor = openSync(file, 'r');
  const id = lab.newId();
  const answer = lab.callWith({ extra: [descriptor, descriptor] }, 'run', '--preserve-fds', '1', '--bundle', lab.bundle({ args: ['sh', '-c', 'cat <&3; ls /proc/self/fd | tr "\\n" " "'] }), id);
  closeSync(descriptor);
  t.is(answer.stdout, 'from three\n0 1 2 3 4 ');
});

here('descriptors that systemd gives are the program\'s, before those that are preserved, and it is told so', (t) => {
  const files = ['one', 'two'].map((name) => join(lab.folder, `listened-${name}`));
  for (const file of files) writeFileSync(file, `${file}\n`);
  const [id, script] = [lab.newId(), 'echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4; ls /proc/self/fd | tr "\\n" " "'];
  const run = (under: readonly string[], given: readonly string[], ...flags: readonly string[]) => {
    const extra = given.map((file) => openSync(file, 'r'));
    const { stdout, stderr } = lab.callWith({ extra, under }, 'run', ...flags, '--bundle', lab.bundle({ args: ['sh', '-c', script] }), id);
    for (const descriptor of extra) closeSync(descriptor);
    return stdout + stderr.replace(/^sh: .*\n/gm, '');
  };
  const both = files.map((file) => `${file}\n`).join('');
  const named = (pid: string) => ['sh', '-c', `LISTEN_FDS=2 LISTEN_PID=${pid} exec "$@"`, 'sh'];
  t.is(run(named('$$'), files), `2 1\n${both}0 1 2 3 4 5 `);
  t.is(run(['env', '-u', 'LISTEN_PID', 'LISTEN_FDS=1'], files, '--preserve-fds', '1'), `1 1\n${both}0 1 2 3 4 5 `);
  t.is(run(named('1'), files), '\n0 1 2 3 ', 'they are somebody else\'s');
  t.is(run(['env', '-u', 'LISTEN_PID', 'LISTEN_FDS=1'], []), '1 1\n0 1 2 3 ', 'nothing is open there');
  t.deepEqual(lab.traces(id), []);
});
