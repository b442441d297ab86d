// Kubernetes' container runtime interface on tsrun-oci: containerd, called as a kubelet calls it for a pod of RuntimeClass `tsrun`.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { containerdSocket, serveContainerd } from '../support/containerd.js';
import { Cri, type Message } from '../support/cri.js';
import { engineLab, engineTest, limitsTest } from '../support/engines.js';
import { openSession, throughPort, type Session } from '../support/kubelet-streams.js';
import { patience } from '../support/lab.js';
import { until } from '../support/until.js';

const here = engineTest('podman');
const image = 'localhost/busybox:1';
const lab = engineLab(async (machine) => {
  await serveContainerd(machine, image);
  cri = new Cri(machine.path(containerdSocket));
});
let cri: Cri | undefined;
test.after.always(() => cri?.close());

async function call(name: string, request: object): Promise<Message> {
  if (cri === undefined) throw new Error('nothing serves');
  return cri.call(name, request);
}

interface Pod {
  readonly id: string;
  readonly config: object;
}

/** A kubelet gives no host name to a pod that has the node's. */
async function newPod(name: string, linux: object = {}, hostname = name): Promise<Pod> {
  const logs = join(lab.folder, `logs-${name}`);
  mkdirSync(logs);
  const config = { metadata: { name, uid: name, namespace: 'default' }, hostname, log_directory: logs, linux: { cgroup_parent: '/kubepods', ...linux } };
  const { pod_sandbox_id: id } = await call('RunPodSandbox', { config, runtime_handler: 'tsrun' });
  return { id: String(id), config };
}

async function newContainer({ id, config }: Pod, name: string, command: readonly string[], more: object = {}): Promise<string> {
  const answer = await call('CreateContainer', { pod_sandbox_id: id, sandbox_config: config, config: { metadata: { name }, image: { image }, command, log_path: `${name}.log`, ...more } });
  const container = String(answer['container_id']);
  await call('StartContainer', { container_id: container });
  return container;
}

async function exec(container: string, ...cmd: readonly string[]): Promise<readonly [code: unknown, stdout: string]> {
  const { exit_code: code, stdout } = await call('ExecSync', { container_id: container, cmd, timeout: 30 * patience });
  return [code, Buffer.isBuffer(stdout) ? stdout.toString() : ''];
}

async function statusOf(container: string): Promise<Message> {
  const { status } = await call('ContainerStatus', { container_id: container });
  return typeof status === 'object' ? { ...status } : {};
}

const running = 1;
const exited = 2;

here('a pod of two containers: network, ipc and name are shared, pids are not', async (t) => {
  const pod = await newPod('pair', { sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } });
  const web = await newContainer(pod, 'web', ['httpd', '-f', '-p', '80', '-h', '/etc'], { linux: { security_context: { run_as_user: { value: 1000 }, no_new_privs: true, namespace_options: { pid: 1 } } } });
  const side = await newContainer(pod, 'side', ['sh', '-c', 'echo $A; exec sleep 1000'], { envs: [{ key: 'A', value: 'b' }], mounts: [{ container_path: '/theirs', host_path: lab.folder, readonly: true }], linux: { security_context: { namespace_options: { pid: 1 } } } });
  t.is((await statusOf(web))['state'], running);
  t.deepEqual(await exec(web, 'id', '-u'), [0, '1000\n']);
  await until(async () => (await exec(side, 'wget', '-qO-', 'http://127.0.0.1/hostname'))[1] === 'pair\n', 'the other container\'s server');
  const links = await Promise.all(['net', 'ipc', 'uts', 'pid', 'mnt'].map(async (kind) => {
    const [[, first], [, second]] = [await exec(web, 'readlink', `/proc/self/ns/${kind}`), await exec(side, 'readlink', `/proc/self/ns/${kind}`)];
    return first === second;
  }));
  t.deepEqual(links, [true, true, true, false, false]);
  t.deepEqual(await exec(side, 'sh', '-c', 'hostname; touch /theirs/new 2>/dev/null; exit 7'), [7, 'pair\n']);
  t.regex(readFileSync(join(lab.folder, 'logs-pair/side.log'), 'utf8'), / stdout F b\n/);
  t.regex((await exec(side, 'cat', '/proc/1/cgroup'))[1], /^0::\/$/m);
  await t.throwsAsync(exec(side, 'nosuch'), { message: /executable file not found in \$PATH/ });
  await call('StopContainer', { container_id: side, timeout: 0 });
  t.like(await statusOf(side), { state: exited, exit_code: 137 });
  for (const container of [web, side]) await call('RemoveContainer', { container_id: container });
  await call('StopPodSandbox', { pod_sandbox_id: pod.id });
  await call('RemovePodSandbox', { pod_sandbox_id: pod.id });
});

here('a container that ends by itself, one that cannot be executed, and one that is removed while it runs', async (t) => {
  const pod = await newPod('ends');
  const short = await newContainer(pod, 'short', ['sh', '-c', 'exit 7']);
  await until(async () => (await statusOf(short))['state'] === exited, 'its end');
  t.is((await statusOf(short))['exit_code'], 7);
  await t.throwsAsync(newContainer(pod, 'none', ['/no/such']), { message: /exec: "\/no\/such": stat \/no\/such: no such file or directory/ });
  await newContainer(pod, 'long', ['sleep', '1000']);
  await call('StopPodSandbox', { pod_sandbox_id: pod.id });
  await call('RemovePodSandbox', { pod_sandbox_id: pod.id });
});

here('a pod with the namespaces of its node', async (t) => {
  const node = 2;
  const options = { namespace_options: { network: node, pid: node, ipc: node } };
  const pod = await newPod('host', { security_context: options }, '');
  const container = await newContainer(pod, 'only', ['sleep', '1000'], { linux: { security_context: options } });
  t.is((await exec(container, 'hostname'))[1], 'engines\n');
  await call('RemovePodSandbox', { pod_sandbox_id: pod.id });
});

async function session(name: 'Exec' | 'Attach', request: object, isTerminal = false): Promise<Session> {
  const { url } = await call(name, { ...request, stdin: true, stdout: true, stderr: !isTerminal, tty: isTerminal });
  return openSession(lab, url, isTerminal);
}

here('exec, attach and port-forward over the streams of a kubelet', async (t) => {
  const pod = await newPod('streams');
  const web = await newContainer(pod, 'web', ['httpd', '-f', '-p', '127.0.0.1:8080', '-h', '/etc']);
  const piped = await session('Exec', { container_id: web, cmd: ['sh', '-c', 'cat; echo err >&2; exit 3'] });
  piped.stdin.end('typed\n');
  t.deepEqual(await Promise.all([text(piped.stdout), text(piped.stderr ?? piped.stdin), piped.outcome]), ['typed\n', 'err\n', 3]);
  const none = await session('Exec', { container_id: web, cmd: ['nosuch'] });
  t.regex(String(await none.outcome), /executable file not found in \$PATH/);

  const seat = await session('Exec', { container_id: web, cmd: ['sh', '-c', 'tty; until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; read word; echo "got $word"'] }, true);
  seat.resize(101, 33);
  seat.stdin.write('this\r');
  // What is typed is echoed, maybe before the program says anything.
  t.regex(await text(seat.stdout), /^(?:this\r\n)?\/dev\/pts\/0\r\n[^]*got this\r\n$/);
  t.is(await seat.outcome, 'Success');

  const reader = await newContainer(pod, 'reader', ['sh', '-c', 'while read line; do echo "got $line"; done; exit 5'], { stdin: true, stdin_once: true });
  const attached = await session('Attach', { container_id: reader });
  attached.stdin.end('line\n');
  t.is(await text(attached.stdout), 'got line\n');
  await until(async () => (await statusOf(reader))['state'] === exited, 'its end');
  t.is((await statusOf(reader))['exit_code'], 5);

  const page = async (port: number) => throughPort(lab, (await call('PortForward', { pod_sandbox_id: pod.id, port: [port] }))['url'], port, 'GET /hostname HTTP/1.0\r\n\r\n');
  t.regex((await page(8080)).join(), /^HTTP\/1.1 200 OK[^]*\nstreams\n,$/);
  t.regex((await page(8081)).join(), /^,.*connection refused/);
  await call('StopPodSandbox', { pod_sandbox_id: pod.id });
  await call('RemovePodSandbox', { pod_sandbox_id: pod.id });
});

limitsTest('limits are the cgroup\'s, can be changed and hold, and its use is told', async (t) => {
  const pod = await newPod('limits');
  const resources = { memory_limit_in_bytes: 67_108_864, cpu_period: 100_000, cpu_quota: 50_000 };
  const container = await newContainer(pod, 'limited', ['sleep', '1000'], { linux: { resources } });
  const limits = async () => (await exec(container, 'sh', '-c', 'cd /sys/fs/cgroup; cat memory.max cpu.max'))[1];
  t.is(await limits(), '67108864\n50000 100000\n');
  await call('UpdateContainerResources', { container_id: container, linux: { memory_limit_in_bytes: 33_554_432 } });
  t.is(await limits(), '33554432\n50000 100000\n');
  t.regex(JSON.stringify(await call('ContainerStats', { container_id: container })), /"usage_core_nano_seconds":\{"value":[1-9].*"working_set_bytes":\{"value":[1-9]/);
  const hungry = await newContainer(pod, 'hungry', ['hog', 'memory', '67108864'], { linux: { resources: { memory_limit_in_bytes: 33_554_432 } } });
  await until(async () => (await statusOf(hungry))['state'] === exited, 'its end');
  t.like(await statusOf(hungry), { exit_code: 137, reason: 'OOMKilled' });
  await call('StopPodSandbox', { pod_sandbox_id: pod.id });
  await call('RemovePodSandbox', { pod_sandbox_id: pod.id });
});

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).length === 0, 'the last end');
  t.pass();
});
