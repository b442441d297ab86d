/** containerd in a machine of its own, with tsrun-oci behind its CRI as well. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauseImage, runtime, savedImage, type EngineLab } from './engines.js';

export const containerdSocket = '/run/containerd/containerd.sock';

/** A bridge for pods; whatever CNI notes lies in the machine. */
const network = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    { type: 'bridge', bridge: 'pods0', isGateway: true, ipam: { type: 'host-local', dataDir: '/run/cni-addresses', ranges: [[{ subnet: '10.77.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] } },
  ],
};

function config(folder: string, hasShares: boolean): string {
  return `
version = 2
root = "/run/containerd-root"
state = "/run/containerd"
[grpc]
address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
disable_cgroup = ${String(!hasShares)}
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "tsrun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tsrun]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tsrun.options]
BinaryName = "${runtime}"
`;
}

/** Serves, and has the image, also for the CRI. */
export async function serveContainerd(lab: EngineLab, image: string): Promise<void> {
  // The CRI gives every pod shares of a processor: on a host that cannot hold them, it has to do without cgroups of its own.
  const hasShares = readFileSync(lab.path('/sys/fs/cgroup/cgroup.controllers'), 'utf8').split(/\s/).includes('cpu');
  mkdirSync(join(lab.folder, 'cni'));
  writeFileSync(join(lab.folder, 'cni/pods.conflist'), JSON.stringify(network));
  writeFileSync(join(lab.folder, 'containerd.toml'), config(lab.folder, hasShares));
  await lab.serve('containerd', ['containerd', '--config', join(lab.folder, 'containerd.toml')], async () => (await lab.call(['ctr', 'version'])).code === 0);
  for (const namespace of ['default', 'k8s.io']) {
    const imported = await lab.call(['ctr', '--namespace', namespace, 'image', 'import', savedImage(lab, image)]);
    if (imported.code !== 0) throw new Error(imported.stderr);
  }
}
