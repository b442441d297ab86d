// containerd on tsrun-oci, by way of its shim: as ctr calls it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveContainerd } from '../support/containerd.js';
import { engineLab, engineTest, followsSize, limitsTest, runtime } from '../support/engines.js';
import { patience } from '../support/lab.js';
import { until } from '../support/until.js';

const here = engineTest('podman');
const image = 'localhost/busybox:1';

const lab = engineLab(async (machine) => serveContainerd(machine, image));

const ctr = async (...words: readonly string[]) => lab.call(['ctr', ...words]);
/** ctr asks for 1,024 shares of a processor else, which the bare host cannot hold. */
const flags = ['--cpu-shares', '0', '--runtime', 'io.containerd.runc.v2', '--runc-binary', runtime];
let count = 0;
const newId = () => `c${count++}`;
const run = async (...words: readonly string[]) => {
  const at = words.indexOf(image);
  return ctr('run', '--rm', ...flags, ...words.slice(0, at), image, newId(), ...words.slice(at + 1));
};
/** With any runtime ctr 1.6 loses what a program printed that ends before ctr has opened its pipes: this one stays a moment. */
const linger = ['sh', '-c', `"$@"; status=$?; sleep ${0.5 * patience}; exit $status`, 'sh'];
const hear = async (...words: readonly string[]) => {
  const at = words.indexOf(image);
  return run(...words.slice(0, at), image, ...linger, ...words.slice(at + 1));
};

async function said(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctr(...words);
  if (code !== 0) throw new Error(`ctr ${words.join(' ')}: ${String(code)} ${stderr}`);
  return stdout.trim();
}

const statusOf = async (id: string) => new RegExp(`^${id} +\\d+ +(\\w+)`, 'm').exec(await said('task', 'ls'))?.[1] ?? 'none';

async function detached(id: string): Promise<void> {
  await said('run', '--detach', ...flags, image, id, 'sleep', '1000');
}

async function remove(id: string): Promise<void> {
  await said('task', 'kill', '--all', '--signal', 'KILL', id);
  await until(async () => (await statusOf(id)) === 'STOPPED', 'its end');
  await ctr('task', 'rm', id);
  await said('container', 'rm', id);
}

here('run: streams, status, and programs that cannot be executed', async (t) => {
  const { code, stdout, stderr } = await hear(image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.deepEqual([code, stdout, stderr], [7, 'out\n', 'err\n']);
  t.regex((await run(image, '/no/such')).stderr, /exec: "\/no\/such": stat \/no\/such: no such file or directory/);
  t.regex((await run(image, 'nosuch')).stderr, /exec: "nosuch": executable file not found in \$PATH/);
  t.regex((await run(image, '/etc/passwd')).stderr, /exec: "\/etc\/passwd": permission denied/);
});

here('exec, ps, metrics, pause, resume, kill, delete', async (t) => {
  await detached('life');
  t.is(await statusOf('life'), 'RUNNING');
  const exec = await ctr('task', 'exec', '--exec-id', 'one', 'life', 'sh', '-c', 'echo hi; exit 5');
  t.deepEqual([exec.code, exec.stdout], [5, 'hi\n']);
  t.is((await lab.call(['ctr', 'task', 'exec', '--exec-id', 'two', 'life', 'cat'], { input: 'typed\n' })).stdout, 'typed\n');
  t.is((await ctr('task', 'exec', '--exec-id', 'user', '--user', '1000', 'life', 'id', '-u')).stdout, '1000\n');
  t.regex((await ctr('task', 'exec', '--exec-id', 'three', 'life', 'nosuch')).stderr, /executable file not found in \$PATH/);
  await said('task', 'exec', '--detach', '--exec-id', 'back', 'life', 'sleep', '1000');
  t.regex(await said('task', 'ps', 'life'), /ExecID:back/);
  t.regex(await said('task', 'metrics', 'life'), /cpu.usage_usec/);
  await said('task', 'pause', 'life');
  t.is(await statusOf('life'), 'PAUSED');
  await said('task', 'resume', 'life');
  t.is(await statusOf('life'), 'RUNNING');
  await said('task', 'kill', '--exec-id', 'back', '--signal', 'KILL', 'life');
  await said('task', 'kill', '--signal', 'KILL', 'life');
  await until(async () => (await statusOf('life')) === 'STOPPED', 'its end');
  t.regex((await ctr('task', 'kill', 'life')).stderr, /process already finished: not found/);
  t.regex((await ctr('task', 'rm', 'life')).stderr, /exit code 137/);
  await said('container', 'rm', 'life');
});

here('terminals', async (t) => {
  const pty = lab.pty(['ctr', 'run', '--tty', '--rm', ...flags, image, newId(), 'sh'], { rows: 33, columns: 101 });
  await pty.see(/# /);
  await followsSize(pty);
  pty.type('tty; ls /dev/console; exit 5\r');
  await pty.see(/\/dev\/pts\/0\r+\n\/dev\/console/);
  t.is((await pty.ended).code, 5);
  await detached('seat');
  const exec = lab.pty(['ctr', 'task', 'exec', '--tty', '--exec-id', 'tty', 'seat', 'sh']);
  await exec.see(/# /);
  exec.type('tty; exit 6\r');
  await exec.see(/\/dev\/pts\/0/);
  t.is((await exec.ended).code, 6);
  await remove('seat');
});

here('attach', async (t) => {
  const pty = lab.pty(['ctr', 'run', '--detach', '--tty', ...flags, image, 'later', 'sh'], { rows: 33, columns: 101 });
  t.is((await pty.ended).code, 0);
  const second = lab.pty(['ctr', 'task', 'attach', 'later'], { rows: 33, columns: 101 });
  second.type('echo a$((1+1))c; exit 3\r');
  await second.see(/a2c/);
  t.is((await second.ended).code, 3);
  await ctr('task', 'rm', 'later');
  await said('container', 'rm', 'later');
});

here('mounts, root, rights, devices, namespaces', async (t) => {
  const folder = join(lab.folder, 'volume');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'theirs\n');
  const mounted = await hear('--mount', `type=bind,src=${folder},dst=/mnt,options=rbind:ro`, image, 'sh', '-c', 'cat /mnt/file; touch /mnt/new');
  t.deepEqual([mounted.code, mounted.stdout], [1, 'theirs\n']);
  t.is((await hear('--read-only', image, 'touch', '/new')).code, 1);
  t.regex((await hear('--privileged', image, 'sh', '-c', 'ls -l /dev/ptmx; grep CapBnd /proc/self/status')).stdout, /ptmx -> pts\/ptmx\nCapBnd:\t0{5}1f/);
  t.regex((await hear('--seccomp', image, 'cat', '/proc/self/status')).stdout, /Seccomp:\t2/);
  t.like(await hear('--net-host', image, 'hostname'), { code: 0, stdout: 'engines\n', stderr: '' });
  t.is((await hear('--cwd', '/tmp', '--env', 'A=B', image, 'sh', '-c', 'pwd; echo $A')).stdout, '/tmp\nB\n');
  t.regex((await hear('--cgroup', '/of/mine', image, 'cat', '/proc/self/cgroup')).stdout, /^0::\/of\/mine$/m);
  t.regex((await hear('--device', '/dev/null', image, 'ls', '-l', '/dev/null')).stdout, /1, +3/);
  t.regex((await hear('--uidmap', '0:300000:65536', '--gidmap', '0:300000:65536', image, 'sh', '-c', 'tr -s " " < /proc/self/uid_map; touch /new; stat -c %u /new')).stdout, /^ 0 300000 65536\n0\n/);
});

/** ctr mounts no cgroups for a container: they are read from outside. */
limitsTest('limits are the cgroup\'s, and hold', async (t) => {
  await said('run', '--detach', '--runtime', 'io.containerd.runc.v2', '--runc-binary', runtime, '--cgroup', '/limits', '--memory-limit', '67108864', '--cpus', '0.5', image, 'limited', 'sleep', '1000');
  const limits = ['memory.max', 'cpu.max'].map((file) => readFileSync(lab.path(`/sys/fs/cgroup/limits/${file}`), 'utf8'));
  t.deepEqual(limits, ['67108864\n', '50000 100000\n']);
  await remove('limited');
  t.is((await run('--memory-limit', '33554432', image, 'hog', 'memory', '67108864')).code, 137);
});

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).length === 0, 'the last end');
  t.is(await said('container', 'ls', '--quiet'), '');
});
