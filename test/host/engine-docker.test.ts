// dockerd on tsrun-oci, over containerd and its shim. Most containers have the machine's network, which is quicker than one of Docker's making.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerdSocket, serveContainerd } from '../support/containerd.js';
import { engineLab, engineTest, followsSize, limitsTest, runtime, savedImage, stopsAndGoesOn } from '../support/engines.js';
import { until } from '../support/until.js';

const here = engineTest('podman');
const image = 'busybox:1';
const service = ['dockerd', '--containerd', containerdSocket, '--data-root', '/run/docker-data', '--exec-root', '/run/docker', '--pidfile', '/run/docker.pid', '--host', 'unix:///run/docker.sock',
  '--iptables=false', '--add-runtime', `tsrun=${runtime}`, '--default-runtime', 'tsrun', '--exec-opt', 'native.cgroupdriver=cgroupfs'];

const lab = engineLab(async (machine) => {
  await serveContainerd(machine, `docker.io/library/${image}`);
  await machine.serve('dockerd', service, async () => (await docker('version')).code === 0);
  await said('load', '--input', savedImage(machine, `docker.io/library/${image}`));
});

const words = (...more: readonly string[]) => ['docker', '--host', 'unix:///run/docker.sock', ...more];
const docker = async (...more: readonly string[]) => lab.call(words(...more));
const run = async (...more: readonly string[]) => docker('run', '--rm', '--network', 'host', ...more);

async function said(...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await docker(...more);
  if (code !== 0) throw new Error(`docker ${more.join(' ')}: ${String(code)} ${stderr}`);
  return stdout.trim();
}

async function detached(name: string, ...more: readonly string[]): Promise<void> {
  await said('run', '--detach', '--network', 'host', '--name', name, ...more);
}

const statusOf = async (name: string) => said('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', name);

here('run: streams, status, and programs that cannot be executed', async (t) => {
  const { code, stdout, stderr } = await run(image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.deepEqual([code, stdout, stderr], [7, 'out\n', 'err\n']);
  for (const [name, status] of [['/no/such', 127], ['nosuch', 127], ['/etc/passwd', 126]] as const) t.is((await run(image, name)).code, status, name);
});

here('exec, logs, top, stats, pause, stop, restart, kill', async (t) => {
  await detached('life', image, 'sh', '-c', 'trap "exit 3" TERM; echo started; while :; do sleep 0.05; done');
  t.is((await docker('exec', 'life', 'sh', '-c', 'exit 9')).code, 9);
  t.is((await lab.call(words('exec', '-i', 'life', 'cat'), { input: 'typed\n' })).stdout, 'typed\n');
  t.is(await said('exec', '--user', '1000:1000', '--workdir', '/tmp', '--env', 'A=b', 'life', 'sh', '-c', 'id -u; pwd; echo $A'), '1000\n/tmp\nb');
  // Docker 20.10 has one status for all that cannot be executed.
  for (const name of ['/no/such', 'nosuch', '/etc/passwd']) t.is((await docker('exec', 'life', name)).code, 126, name);
  t.regex(await said('exec', '--privileged', 'life', 'cat', '/proc/self/status'), /CapEff:\t0{5}(?:1f|03)f/);
  await said('exec', '--detach', 'life', 'sleep', '1000');
  t.regex(await said('top', 'life'), /sleep 1000/);
  await until(async () => (await said('logs', 'life')) === 'started', 'what was printed');
  t.regex(await said('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}}', 'life'), /^life \d/);
  await stopsAndGoesOn(t, 'life', { said, statusOf });
});

here('terminals', async (t) => {
  const pty = lab.pty(words('run', '--rm', '-it', '--network', 'host', image, 'sh'), { rows: 33, columns: 101 });
  await pty.see(/# /);
  await followsSize(pty);
  pty.type('tty; ls /dev/console; exit 5\r');
  await pty.see(/\/dev\/pts\/0\r+\n\/dev\/console/);
  t.is((await pty.ended).code, 5);
  await detached('seat', image, 'sleep', '1000');
  const exec = lab.pty(words('exec', '-it', 'seat', 'sh'));
  await exec.see(/# /);
  exec.type('tty; exit 6\r');
  await exec.see(/\/dev\/pts\/0/);
  t.is((await exec.ended).code, 6);
  await said('rm', '--force', 'seat');
});

here('volumes, files, root, rights', async (t) => {
  const folder = join(lab.folder, 'volume');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'theirs\n');
  const readonly = await run('-v', `${folder}:/mnt:ro`, image, 'sh', '-c', 'cat /mnt/file; touch /mnt/new');
  t.deepEqual([readonly.code, readonly.stdout], [1, 'theirs\n']);
  await run('-v', 'named:/mnt', image, 'sh', '-c', 'echo kept > /mnt/file');
  t.is((await run('-v', 'named:/mnt', image, 'cat', '/mnt/file')).stdout, 'kept\n');
  t.is((await run('--read-only', '--tmpfs', '/scratch', image, 'sh', '-c', 'touch /scratch/new && touch /new')).code, 1);
  t.regex((await run('--privileged', image, 'sh', '-c', 'ls -l /dev/ptmx; grep CapBnd /proc/self/status')).stdout, /ptmx -> pts\/ptmx\nCapBnd:\t0{5}(?:1f|03)f/);
  t.regex((await run('--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', image, 'cat', '/proc/self/status')).stdout, /CapEff:\t0{16}\n[^]*NoNewPrivs:\t1\nSeccomp:\t2/);
  t.is((await run('--ulimit', 'nofile=100:200', '--init', image, 'sh', '-c', 'ulimit -n; readlink /proc/1/exe')).stdout, '100\n/bin/docker-init\n');
  t.is((await run('--pid', 'host', '--ipc', 'host', '--uts', 'host', image, 'hostname')).stdout, 'engines\n');
  t.regex((await run('--cgroupns', 'host', image, 'cat', '/proc/self/cgroup')).stdout, /^0::\/docker\/[0-9a-f]{64}$/m);
  t.is((await run('--oom-score-adj', '100', '--shm-size', '1m', image, 'sh', '-c', 'cat /proc/self/oom_score_adj; df -k /dev/shm | awk \'/shm/ {print $2}\'')).stdout, '100\n1024\n');
  await detached('files', image, 'sleep', '1000');
  await said('cp', `${folder}/file`, 'files:/copied');
  t.is(await said('exec', 'files', 'cat', '/copied'), 'theirs');
  t.regex(await said('diff', 'files'), /^A \/copied$/m);
  await said('commit', 'files', 'copied:1');
  t.is((await run('copied:1', 'cat', '/copied')).stdout, 'theirs\n');
  t.is((await run('--pid', 'container:files', image, 'ps')).stdout.split('\n')[1]?.trim(), '1 root     sleep 1000');
  await said('rm', '--force', 'files');
});

here('a network of Docker\'s own, which a hook of it makes', async (t) => {
  await said('run', '--detach', '--name', 'server', image, 'sh', '-c', 'mkdir /www; echo served > /www/page; exec httpd -f -h /www');
  const address = await said('inspect', '--format', '{{.NetworkSettings.IPAddress}}', 'server');
  const asked = async () => (await docker('run', '--rm', image, 'wget', '-q', '-O', '-', `http://${address}/page`)).stdout;
  await until(async () => (await asked()) === 'served\n', 'an answer');
  await said('rm', '--force', 'server');
  t.pass();
});

here('build', async (t) => {
  const file = `FROM ${image}\nRUN echo built > /made && id -u > /who\nUSER 1000\nRUN id -u > /tmp/whom\nCMD cat /made /who /tmp/whom\n`;
  const built = await lab.call(['env', 'DOCKER_BUILDKIT=0', ...words('build', '--network', 'host', '--tag', 'built:1', '-')], { input: file });
  t.is(built.code, 0, built.stderr);
  t.is((await run('built:1')).stdout, 'built\n0\n1000\n');
  const failed = await lab.call(['env', 'DOCKER_BUILDKIT=0', ...words('build', '--force-rm', '--network', 'host', '-')], { input: `FROM ${image}\nRUN exit 7\n` });
  t.regex(failed.stderr, /returned a non-zero code: 7/);
});

here('attach', async (t) => {
  await said('create', '--interactive', '--network', 'host', '--name', 'later', image, 'cat');
  t.is((await lab.call(words('start', '--attach', '--interactive', 'later'), { input: 'typed\n' })).stdout, 'typed\n');
  await said('rm', 'later');
});

here('healthcheck', async (t) => {
  await detached('health', '--health-cmd', 'true', '--health-interval', '100ms', image, 'sleep', '1000');
  await until(async () => (await said('inspect', '--format', '{{.State.Health.Status}}', 'health')) === 'healthy', 'health');
  await said('rm', '--force', 'health');
  t.pass();
});

limitsTest('limits are the cgroup\'s, and can be changed', async (t) => {
  await detached('limited', '--memory', '64m', '--memory-swap', '64m', '--pids-limit', '20', '--cpus', '0.5', image, 'sleep', '1000');
  const limits = async () => said('exec', 'limited', 'sh', '-c', 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max');
  t.is(await limits(), '67108864\n20\n50000 100000');
  await said('update', '--memory', '32m', '--memory-swap', '32m', '--pids-limit', '30', '--cpus', '0.25', 'limited');
  t.is(await limits(), '33554432\n30\n25000 100000');
  await said('rm', '--force', 'limited');
});

limitsTest('limits hold: who takes more memory is killed, which the engine is told; who starts more processes is refused', async (t) => {
  t.is((await docker('run', '--network', 'host', '--name', 'hungry', '--memory', '32m', '--memory-swap', '32m', image, 'hog', 'memory', '67108864')).code, 137);
  t.is(await said('inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry'), 'true 137');
  await said('rm', 'hungry');
  t.is((await run('--pids-limit', '20', image, 'hog', 'forks', '100')).stdout, 'forks 19 EAGAIN\n');
});

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).length === 0, 'the last end');
  t.is(await said('ps', '--all', '--quiet'), '');
});
