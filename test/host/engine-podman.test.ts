// podman on tsrun-oci, with conmon between them: what people do with it, whole.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineLab, engineTest, followsSize, limitsTest, runtime, savedImage, stopsAndGoesOn } from '../support/engines.js';
import { until } from '../support/until.js';

const here = engineTest('podman');
const image = 'localhost/busybox:1';

/** No default for pids: the bare host cannot hold it. */
const containersConf = `
[containers]
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "${runtime}"
`;

const lab = engineLab(async (machine) => {
  writeFileSync(join(machine.folder, 'containers.conf'), containersConf);
  await said('load', '--input', savedImage(machine, image));
});

function words(...more: readonly string[]): string[] {
  return ['env', `CONTAINERS_CONF=${lab.folder}/containers.conf`, 'podman', '--root', '/run/podman/root', '--runroot', '/run/podman/run', '--tmpdir', '/run/podman/tmp', '--storage-driver', 'overlay', ...more];
}

const podman = async (...more: readonly string[]) => lab.call(words(...more));
const run = async (...more: readonly string[]) => podman('run', '--rm', '--network', 'none', ...more);

/** What it printed; it has to succeed. */
async function said(...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await podman(...more);
  if (code !== 0) throw new Error(`podman ${more.join(' ')}: ${String(code)} ${stderr}`);
  return stdout.trim();
}

async function detached(name: string, ...more: readonly string[]): Promise<void> {
  await said('run', '--detach', '--network', 'none', '--name', name, ...more);
}

const statusOf = async (name: string) => said('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', name);

/** podman 4.3 stumbles over the mounts of what had a user namespace, with runc as often as here, but removes it. */
async function remove(name: string, kind: 'container' | 'pod' = 'container'): Promise<void> {
  await said(kind, 'stop', '--time', '0', name);
  await until(async () => {
    await podman(kind, 'rm', name);
    return (await podman(kind, 'exists', name)).code === 1;
  }, `the removal of ${name}`);
}

here('run: streams, status, and programs that cannot be executed', async (t) => {
  const { code, stdout, stderr } = await run(image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.deepEqual([code, stdout, stderr], [7, 'out\n', 'err\n']);
  for (const [name, status] of [['/no/such', 127], ['nosuch', 127], ['/etc/passwd', 126]] as const) t.is((await run(image, name)).code, status, name);
});

here('exec, logs, top, stats, pause, stop, restart, kill', async (t) => {
  await detached('life', image, 'sh', '-c', 'trap "exit 3" TERM; echo started; while :; do sleep 0.05; done');
  t.is((await podman('exec', 'life', 'sh', '-c', 'exit 9')).code, 9);
  t.is((await lab.call(words('exec', '-i', 'life', 'cat'), { input: 'typed\n' })).stdout, 'typed\n');
  t.is(await said('exec', '--user', '1000:1000', '--workdir', '/tmp', '--env', 'A=b', 'life', 'sh', '-c', 'id -u; pwd; echo $A'), '1000\n/tmp\nb');
  for (const [name, status] of [['/no/such', 127], ['nosuch', 127], ['/etc/passwd', 126]] as const) t.is((await podman('exec', 'life', name)).code, status, name);
  await said('exec', '--detach', 'life', 'sleep', '1000');
  t.regex(await said('top', 'life'), /sleep 1000/);
  t.is(await said('logs', 'life'), 'started');
  t.regex(await said('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}}', 'life'), /^life \d/);
  await stopsAndGoesOn(t, 'life', { said, statusOf });
});

here('a terminal, its size, and the console socket behind it', async (t) => {
  const pty = lab.pty(words('run', '--rm', '-it', '--network', 'none', image, 'sh'), { rows: 33, columns: 101 });
  await pty.see(/# /);
  pty.type('tty; ls -l /dev/console\r');
  await pty.see(/\/dev\/pts\/0[^#]*\/dev\/console/);
  await followsSize(pty);
  pty.type('exit 5\r');
  t.is((await pty.ended).code, 5);
  await detached('seat', image, 'sleep', '1000');
  const exec = lab.pty(words('exec', '-it', 'seat', 'sh'), { rows: 33, columns: 101 });
  await exec.see(/# /);
  exec.type('tty; exit 6\r');
  await exec.see(/\/dev\/pts\/0/);
  t.is((await exec.ended).code, 6);
  await remove('seat');
});

here('attach, and a container that is created before it is started', async (t) => {
  await said('create', '-i', '--network', 'none', '--name', 'later', image, 'cat');
  t.is((await lab.call(words('start', '--attach', '--interactive', 'later'), { input: 'typed\n' })).stdout, 'typed\n');
  await said('rm', 'later');
  await said('create', '--network', 'none', '--name', 'waiting', image, 'sleep', '1000');
  await said('init', 'waiting');
  t.is(await statusOf('waiting'), 'initialized 0');
  await said('start', 'waiting');
  t.is(await statusOf('waiting'), 'running 0');
  await remove('waiting');
  await said('create', '--network', 'none', '--name', 'never', image, 'sleep', '1000');
  await said('init', 'never');
  await said('rm', 'never');
});

here('volumes, files and root', async (t) => {
  const folder = join(lab.folder, 'volume');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'theirs\n');
  const readonly = await run('-v', `${folder}:/mnt:ro`, image, 'sh', '-c', 'cat /mnt/file; touch /mnt/new');
  t.deepEqual([readonly.code, readonly.stdout], [1, 'theirs\n']);
  await run('-v', 'named:/mnt', image, 'sh', '-c', 'echo kept > /mnt/file');
  t.is((await run('-v', 'named:/mnt', image, 'cat', '/mnt/file')).stdout, 'kept\n');
  t.is((await run('--read-only', '--tmpfs', '/scratch', image, 'sh', '-c', 'touch /scratch/new && touch /new')).code, 1);
  t.is((await run('--mount', 'type=tmpfs,destination=/etc', image, 'cat', '/etc/group')).code, 0, 'what lay there is copied');
  await detached('files', image, 'sleep', '1000');
  await said('cp', `${folder}/file`, 'files:/copied');
  t.is(await said('exec', 'files', 'cat', '/copied'), 'theirs');
  t.regex(await said('diff', 'files'), /^A \/copied$/m);
  await said('commit', '--quiet', 'files', 'localhost/copied:1');
  await remove('files');
  t.is((await run('localhost/copied:1', 'cat', '/copied')).stdout, 'theirs\n');
});

here('who the program is and what it may', async (t) => {
  const status = async (...flags: readonly string[]) => (await run(...flags, image, 'cat', '/proc/self/status')).stdout;
  t.regex(await status('--cap-drop', 'all'), /CapEff:\t0{16}\n/);
  t.regex(await status('--cap-add', 'NET_ADMIN'), /CapEff:\t0{8}a80435fb\n/);
  t.regex(await status('--security-opt', 'seccomp=unconfined', '--security-opt', 'no-new-privileges'), /NoNewPrivs:\t1\nSeccomp:\t0/);
  t.regex(await status(), /Seccomp:\t2/);
  const privileged = (await run('--privileged', image, 'sh', '-c', 'ls -l /dev/ptmx; grep CapBnd /proc/self/status')).stdout;
  t.regex(privileged, /ptmx -> pts\/ptmx\nCapBnd:\t0{5}1f[0-9a-f]{9}\n/);
  t.is((await run('--ulimit', 'nofile=100:200', '--ulimit', 'nproc=100:200', image, 'sh', '-c', 'ulimit -n')).stdout, '100\n');
  t.is((await run('--sysctl', 'net.ipv4.ip_forward=1', '--hostname', 'named', '--add-host', 'other:192.0.2.1', image, 'sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward; hostname; grep -c 192.0.2.1 /etc/hosts')).stdout, '1\nnamed\n1\n');
  t.is((await run('--oom-score-adj', '100', '--shm-size', '1m', image, 'sh', '-c', 'cat /proc/self/oom_score_adj; df -k /dev/shm | awk \'/shm/ {print $2}\'')).stdout, '100\n1024\n');
  t.regex((await run('--init', image, 'ps')).stdout, / 1 root +\/run\/podman-init -- ps\n/);
  t.regex((await run('--device', '/dev/null:/dev/other', image, 'ls', '-l', '/dev/other')).stdout, /1, +3/);
});

here('user namespaces', async (t) => {
  const maps = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'];
  const { stdout } = await run(...maps, image, 'sh', '-c', 'tr -s " " < /proc/self/uid_map; touch /new; stat -c %u /new /bin');
  t.is(stdout, ' 0 100000 65536\n0\n0\n');
  t.regex((await run('--userns', 'auto:size=1000', image, 'cat', '/proc/self/uid_map')).stdout, / 0 +5\d{5} +1000\n/);
  await detached('mapped', ...maps, image, 'sleep', '1000');
  t.is(await said('exec', '--user', '1000', 'mapped', 'id', '-u'), '1000');
  await remove('mapped');
});

here('namespaces and cgroups that are not its own', async (t) => {
  t.is((await podman('run', '--rm', '--network', 'host', '--pid', 'host', '--ipc', 'host', '--uts', 'host', image, 'hostname')).stdout, 'engines\n');
  t.regex((await run('--cgroupns', 'host', image, 'cat', '/proc/self/cgroup')).stdout, /^0::.*\/libpod_parent\/libpod-[0-9a-f]{64}$/m);
  t.is((await run('--cgroups', 'split', image, 'true')).code, 0);
  await detached('first', image, 'sleep', '1000');
  t.regex((await podman('run', '--rm', '--network', 'container:first', '--pid', 'container:first', '--ipc', 'container:first', image, 'ps')).stdout, / 1 root +sleep 1000\n/);
  await remove('first');
});

here('pods share their namespaces, user namespaces as well', async (t) => {
  for (const [name, maps, id] of [['pod', [], '0'], ['mapped-pod', ['--uidmap', '0:200000:1000'], '200000']] as const) {
    await said('pod', 'create', '--name', name, '--network', 'none', ...maps, '--share', 'net,ipc,uts,pid', '--infra-image', image, '--infra-command', 'sleep 1000');
    await said('run', '--detach', '--pod', name, image, 'httpd', '-f', '-p', '8080', '-h', '/etc');
    t.regex(await said('run', '--rm', '--pod', name, image, 'sh', '-c', 'ps; wget -qO- http://127.0.0.1:8080/passwd'), / 1 root +sleep 1000\n[^]*httpd[^]*root:x:0/);
    t.regex(await said('run', '--rm', '--pod', name, image, 'cat', '/proc/self/uid_map'), new RegExp(`^0 +${id} `));
    await said('pod', 'pause', name);
    t.is(await said('pod', 'ps', '--format', '{{.Status}}'), 'Paused');
    await said('pod', 'unpause', name);
    await remove(name, 'pod');
  }
});

const kube = `
apiVersion: v1
kind: Pod
metadata: {name: kpod}
spec:
  containers:
  - name: web
    image: ${image}
    command: [sh, -c, 'echo web; exec sleep 1000']
    securityContext: {runAsUser: 1000}
    env: [{name: A, value: b}]
    volumeMounts: [{name: shared, mountPath: /mnt}]
  - name: side
    image: ${image}
    command: [sh, -c, 'echo side > /mnt/side; exec sleep 1000']
    volumeMounts: [{name: shared, mountPath: /mnt}]
  volumes: [{name: shared, emptyDir: {}}]
`;

here('play kube', async (t) => {
  const file = join(lab.folder, 'pod.yaml');
  writeFileSync(file, kube);
  await said('play', 'kube', '--network', 'none', file);
  await until(async () => (await podman('exec', 'kpod-web', 'cat', '/mnt/side')).stdout === 'side\n', 'the other container');
  t.is(await said('exec', 'kpod-web', 'sh', '-c', 'id -u; echo $A'), '1000\nb');
  t.is(await said('logs', 'kpod-web'), 'web');
  await said('play', 'kube', '--down', file);
  t.is(await said('ps', '--all', '--quiet'), '');
});

here('healthcheck', async (t) => {
  await detached('health', '--health-cmd', 'test -f /healthy', '--health-interval', 'disable', image, 'sleep', '1000');
  t.is((await podman('healthcheck', 'run', 'health')).code, 1);
  await said('exec', 'health', 'touch', '/healthy');
  t.is((await podman('healthcheck', 'run', 'health')).code, 0);
  await remove('health');
});

here('build', async (t) => {
  const file = join(lab.folder, 'Containerfile');
  writeFileSync(file, `FROM ${image}\nRUN echo built > /built\nRUN --mount=type=tmpfs,target=/scratch touch /scratch/file\nUSER 1000\nCMD cat /built\n`);
  await said('build', '--network', 'none', '--isolation', 'oci', '--runtime', runtime, '--tag', 'localhost/built:1', '--file', file, lab.folder);
  t.is((await run('localhost/built:1')).stdout, 'built\n');
});

limitsTest('limits are the cgroup\'s, and can be changed', async (t) => {
  const limits = ['--memory', '64m', '--pids-limit', '20', '--cpus', '0.5'];
  const { stdout } = await run(...limits, image, 'sh', '-c', 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max');
  t.is(stdout, '67108864\n20\n50000 100000\n');
  await detached('limited', ...limits, image, 'sleep', '1000');
  await said('update', '--memory', '32m', '--cpus', '0.25', 'limited');
  t.is(await said('exec', 'limited', 'sh', '-c', 'cd /sys/fs/cgroup; cat memory.max cpu.max'), '33554432\n25000 100000');
  await remove('limited');
});

limitsTest('limits hold: who takes more memory is killed, who starts more processes is refused', async (t) => {
  const hungry = [image, 'hog', 'memory', '67108864'];
  // That it was for want of memory, podman 4.3 tells in State.OOMKilled of none of runc, crun and this in a guest.
  t.is((await run('--memory', '32m', '--memory-swap', '32m', ...hungry)).code, 137);
  t.is((await run(...hungry)).code, 0);
  t.is((await run('--pids-limit', '20', image, 'hog', 'forks', '100')).stdout, 'forks 19 EAGAIN\n');
});

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).every((path) => /\/(libpod_parent|tsrun|buildah)$/.test(path)), 'the last end');
  t.is(await said('ps', '--all', '--quiet'), '');
});
