// Kubernetes' container runtime interface on tsrun-oci: containerd, called as a kubelet calls it for a pod of RuntimeClass `tsrun`.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { containerdSocket, serveContainerd } from '../support/containerd.js';
import { Cri, type Message } from '../support/cri.js';
import { engineLab, engineTest } from '../support/engines.js';
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
  const { exit_code: code, stdout } = await call('ExecSync', { container_id: container, cmd, timeout: 30 });
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

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).length === 0, 'the last end');
  t.pass();
});
