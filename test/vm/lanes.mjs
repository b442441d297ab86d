// The kernels that the tests run on, as data. A new lane is a new entry; `setup` lines run as root in the guest, before the command.
// May be left out: `init`, the guest's first process while the command runs (the harness's own script); `packages`, further ones that the host
// needs; `only`, parts of the paths of the tests that run there (all host tests).
import { hostArchitecture } from '../../rootfs-fixtures/archive.mjs';
import { foreignArchitectures } from '../../rootfs-fixtures/foreign.mjs';
import { aptPackages } from '../../rootfs-fixtures/packages.mjs';

// Of each lane that says nothing else.
const usual = { cpus: 2, memoryMiB: 3584, commandLine: [], setup: [] };

export const lanes = {
  'vm-6.1': {
    summary: 'Debian 12 kernel 6.1 on x86_64, pure cgroup v2, full root, no swap',
    architecture: 'amd64',
    // The cloud flavour has no 9p, so this is the generic one.
    kernel: { suite: 'bookworm', package: 'linux-image-amd64' },
    ...usual,
  },
  'vm-6.12': {
    summary: 'Debian 13 kernel 6.12 on x86_64, pure cgroup v2, full root, no swap',
    architecture: 'amd64',
    kernel: { suite: 'trixie', package: 'linux-image-amd64' },
    ...usual,
  },
  'vm-arm64': {
    summary: 'Debian 12 kernel 6.1 and user space on arm64, pure cgroup v2, full root, no swap; the native part is cross-built',
    architecture: 'arm64',
    kernel: { suite: 'bookworm', package: 'linux-image-arm64' },
    ...usual,
  },
  'vm-systemd': {
    summary: 'as vm-6.1, with Debian 12\'s systemd as its first process; runs the tests of what needs one',
    architecture: 'amd64',
    kernel: { suite: 'bookworm', package: 'linux-image-amd64' },
    ...usual,
    init: 'systemd',
    packages: ['vm-systemd'],
    only: ['host/oci-systemd'],
  },
};

export const defaultLane = 'vm-6.1';

export const machines = {
  // Its time-stamp counters all come from one clock, which the kernel does not know: every look at the clock would go to an emulated device. On a busy host no tick
  // comes while the kernel looks whether its timer is connected, and it panics; `no_timer_check` spares it the look (kernel-parameters.txt).
  amd64: { emulator: 'qemu-system-x86_64', arguments: ['-M', 'q35', '-cpu', 'max'], console: 'ttyS0', commandLine: ['tsc=reliable', 'no_timer_check'] },
  // Newer processors sign pointers, which is slow to emulate.
  arm64: { emulator: 'qemu-system-aarch64', arguments: ['-M', 'virt', '-cpu', 'cortex-a72'], console: 'ttyAMA0', commandLine: [] },
};

export function laneNamed(name) {
  const lane = lanes[name];
  if (!lane) throw new Error(`no lane called ${name}; there are ${Object.keys(lanes).join(', ')}`);
  return { name, ...lane, machine: machines[lane.architecture] };
}

/** What the host needs of Debian's packages to run a lane. */
export function packagesFor({ architecture, packages = [] }) {
  const foreign = architecture === hostArchitecture() ? [] : [`cross-${architecture}`];
  return aptPackages('vm', `vm-${architecture}`, ...foreign, ...packages);
}

/** Why no host of this architecture can run a lane, or undefined: it needs its programs. */
export function obstacle({ architecture }) {
  const own = hostArchitecture();
  return architecture === own || foreignArchitectures.includes(architecture) ? undefined : `needs a host of architecture ${architecture}`;
}
