// The kernels that the tests run on, as data. A new lane is a new entry; `setup` lines run as root in the guest, before the command.
export const lanes = {
  'vm-6.1': {
    summary: 'Debian 12 kernel 6.1 on x86_64, pure cgroup v2, full root, no swap',
    architecture: 'amd64',
    // The cloud flavour has no 9p, so this is the generic one.
    kernel: { suite: 'bookworm', package: 'linux-image-amd64' },
    cpus: 2,
    memoryMiB: 3584,
    commandLine: [],
    setup: [],
  },
  'vm-6.12': {
    summary: 'Debian 13 kernel 6.12 on x86_64, pure cgroup v2, full root, no swap',
    architecture: 'amd64',
    kernel: { suite: 'trixie', package: 'linux-image-amd64' },
    cpus: 2,
    memoryMiB: 3584,
    commandLine: [],
    setup: [],
  },
};

export const defaultLane = 'vm-6.1';

export const machines = {
  amd64: { emulator: 'qemu-system-x86_64', arguments: ['-M', 'q35', '-cpu', 'max'], console: 'ttyS0' },
};

export function laneNamed(name) {
  const lane = lanes[name];
  if (!lane) throw new Error(`no lane called ${name}; there are ${Object.keys(lanes).join(', ')}`);
  return { name, ...lane, machine: machines[lane.architecture] };
}
