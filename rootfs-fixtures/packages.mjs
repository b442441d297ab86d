// The Debian packages that fixtures and VM lanes need, as data, and one function that installs what is missing.
import { spawnSync } from 'node:child_process';
import { run } from './shell.mjs';

const purposes = {
  // Linked into the native part: libseccomp into the addon, the others into the unpacker.
  libraries: ['libarchive-dev', 'libbz2-dev', 'liblzma-dev', 'libseccomp-dev', 'libssl-dev', 'libzstd-dev', 'zlib1g-dev'],
  busybox: ['busybox-static', 'gcc', 'libc6-dev'],
  // What gives containers a network.
  networks: ['iproute2', 'nftables', 'passt', 'slirp4netns', 'util-linux'],
  debian: ['debootstrap', 'debian-archive-keyring'],
  'image-tools': ['attr', 'buildah', 'bzip2', 'libarchive-tools', 'python3', 'skopeo', 'umoci', 'xz-utils', 'zstd'],
  // What runs containers on tsrun-oci; of containerd and dockerd, which engines.mjs unpacks, only what they are linked to and call.
  engines: ['buildah', 'catatonit', 'conmon', 'containernetworking-plugins', 'iproute2', 'iptables', 'libdevmapper1.02.1', 'podman'],
  // Who asks servers in containers.
  clients: ['apache2-utils', 'curl'],
  registry: ['apache2-utils', 'docker-registry', 'openssl', 'skopeo'],
  // Who takes logs.
  drains: ['openssl', 'rsyslog', 'rsyslog-gnutls', 'systemd'],
  vm: ['busybox-static', 'cpio', 'debian-archive-keyring', 'e2fsprogs', 'kmod', 'util-linux', 'xfsprogs', 'xz-utils'],
  'vm-amd64': ['qemu-system-x86', 'seabios', 'ipxe-qemu'],
  'vm-arm64': ['qemu-system-arm', 'ipxe-qemu'],
  // What builds and runs native programs that are watched (scripts/sanitizers.mjs); the sanitizers' libraries come with g++.
  sanitizers: ['binutils', 'cmake', 'valgrind'],
  // What is the guest's, which sees the host's files.
  'vm-systemd': ['dbus', 'systemd'],
  'cross-arm64': ['cmake', 'debian-archive-keyring', 'g++-aarch64-linux-gnu', 'python3'],
};

/** Package names for any of: libraries, busybox, networks, debian, image-tools (what makes images that are not ours), engines, clients, registry, drains, vm (the harness), vm-amd64 and vm-arm64 (the emulator), vm-systemd (a guest's init), sanitizers, cross-arm64 (what is built for it here). */
export function aptPackages(...names) {
  return [...new Set(names.flatMap((name) => purposes[name] ?? unknownPurpose(name)))].sort();
}

export function missingPackages(packages) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages], { encoding: 'utf8' });
  const installed = new Set((query.stdout ?? '').split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]));
  return packages.filter((name) => !installed.has(name));
}

/** Installs as root; otherwise throws an error whose message is the one line to run. */
export function ensurePackages(packages) {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) throw new Error(`missing packages; run: sudo ${line}`);
  process.stderr.write(`installing ${missing.join(' ')}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-q'], { env });
  run('apt-get', line.split(' ').slice(1), { env });
}

function unknownPurpose(name) {
  throw new Error(`no package list called ${name}; there are ${Object.keys(purposes).join(', ')}`);
}
