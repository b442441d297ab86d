/** Findings about cgroups: which tree, which controllers, may the caller work in it, swap and pressure. */
import type { CgroupFacts, HostFacts } from './facts.js';
import { good, lack, type Finding } from './finding.js';
import { mountedOnV1 } from './probe-cgroup.js';

/** What a person loses without the controller. */
const controllerCosts: readonly (readonly [controller: string, cost: string])[] = [
  ['memory', '--memory, --memory-swap and --memory-reservation fail; a container can take all memory; the exit cannot say oom'],
  ['cpu', '--cpus and --cpu-shares fail; a container can take every processor'],
  ['cpuset', '--cpuset-cpus fails'],
  ['pids', '--pids-limit fails and the default of 1024 is not held; a fork bomb reaches the host'],
  ['io', 'limits and weights for disks fail'],
  ['hugetlb', 'limits for huge pages fail'],
];

export function cgroupFindings(host: HostFacts, pressure: boolean): Finding[] {
  const { cgroup } = host;
  return [
    modeFinding(cgroup),
    ...(cgroup.root === '' ? [] : [baseFinding(host), ...controllerCosts.map(([name, cost]) => controllerFinding(cgroup, name, cost)), deviceFinding(host)]),
    pressureFinding(pressure),
    swapFinding(host),
  ];
}

const PURE_V2 = 'boot with systemd.unified_cgroup_hierarchy=1, or with cgroup_no_v1=all';

function modeFinding({ mode, root, v1Controllers }: CgroupFacts): Finding {
  switch (mode) {
    case 'v2':
      return good('cgroup', `pure cgroup v2 at ${root}`);
    case 'hybrid':
      return lack('cgroup', 'partly', {
        text: `hybrid: cgroup v2 at ${root}, and v1 holds ${Object.keys(v1Controllers).join(', ') || 'no controller'}`,
        cost: 'containers are frozen, killed and counted as a whole, but limits of the controllers on v1 cannot be held',
        remedy: PURE_V2,
      });
    case 'v1':
    case 'none':
      return lack('cgroup', 'no', {
        text: mode === 'v1' ? 'only cgroup v1 is mounted' : 'no cgroup tree is mounted at /sys/fs/cgroup',
        cost: 'there is no driver for cgroup v1: no limits, no statistics, no pause; a container is ended process by process',
        remedy: mode === 'v1' ? PURE_V2 : 'mount -t cgroup2 none /sys/fs/cgroup',
      });
  }
}

const ALONE = 'start from a delegated cgroup of its own: systemd-run --user --scope -p Delegate=yes tsrun …';

function baseFinding({ cgroup, uid }: HostFacts): Finding {
  if (cgroup.writable && cgroup.crowded === true) {
    return lack('cgroup base', 'partly', {
      text: `containers lie in ${cgroup.root}${cgroup.base}, but other processes live in the cgroup above, so that it cannot hand controllers down`,
      cost: 'no limits; with statistics and pause',
      remedy: `${ALONE} (a program that is alone there moves itself to tsrun-supervisor)`,
    });
  }
  if (cgroup.writable) return good('cgroup base', `containers lie in ${cgroup.root}${cgroup.base}`);
  return lack('cgroup base', 'no', {
    text: uid === 0 ? `${cgroup.root} is not writable, nor is the cgroup that tsrun runs in` : 'the cgroup that tsrun runs in is not delegated to this user',
    cost: 'no limits, no statistics, no pause; a container is ended process by process',
    remedy:
      uid === 0
        ? 'start the surrounding container with a writable cgroup namespace (--cgroupns private, cgroup mounted rw)'
        : ALONE,
  });
}

function controllerFinding(cgroup: CgroupFacts, controller: string, cost: string): Finding {
  const topic = `cgroup ${controller}`;
  if (cgroup.crowded === true && cgroup.controllers.includes(controller)) {
    return lack(topic, 'no', { text: 'on v2, but not handed down to tsrun', cost, remedy: 'see cgroup base' });
  }
  if (cgroup.controllers.includes(controller)) return good(topic, 'on v2');
  const mount = mountedOnV1(cgroup, controller);
  if (mount === undefined) {
    return lack(topic, 'no', {
      text: 'not handed down to tsrun',
      cost,
      remedy: `write +${controller} to cgroup.subtree_control of the cgroups above (systemd: Delegate=${controller}), or boot a kernel that has it`,
    });
  }
  return lack(topic, 'no', {
    text: mount === '' ? 'on cgroup v1' : `on cgroup v1, mounted at ${mount}`,
    cost,
    remedy: `boot with cgroup_no_v1=${controller === 'io' ? 'blkio' : controller}`,
  });
}

function deviceFinding({ supports, uid }: HostFacts): Finding {
  const topic = 'device rules';
  if (supports.deviceProgram) return good(topic, 'held by a program on the cgroup of each container');
  return lack(topic, 'partly', {
    text: uid === 0 ? 'the kernel loads no program that holds them' : 'an ordinary user may not load the program that holds them',
    cost: 'devices are kept out by the lack of nodes alone; a device cannot be given for reading or for writing only',
    remedy: uid === 0 ? 'start tsrun with CAP_SYS_ADMIN in the initial user namespace, on a kernel with CONFIG_CGROUP_BPF' : 'run as root',
  });
}

function pressureFinding(pressure: boolean): Finding {
  if (pressure) return good('pressure', 'pressure stall information is on');
  return lack('pressure', 'no', {
    text: 'pressure stall information is off',
    cost: 'no pressure events and no pressure figures in stats',
    remedy: 'boot with psi=1',
  });
}

function swapFinding({ swapBytes }: HostFacts): Finding {
  if (swapBytes > 0) return good('swap', `${Math.round(swapBytes / 2 ** 20)} MiB`);
  return lack('swap', 'no', {
    text: 'this host has no swap',
    cost: '--memory-swap has no effect beyond --memory: a container that reaches its limit is killed at once',
    remedy: 'add a swap file or zram if containers should outlast a peak',
  });
}
