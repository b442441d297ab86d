/** Findings about the kernel: its version, and what it was built with. */
import type { HostFacts } from './facts.js';
import { good, lack, obstacle, type Finding } from './finding.js';
import { kernelAtLeast, replacesFolders } from './probe.js';

/** Landlock's scopes for signals and abstract sockets. */
const SCOPES_ABI = 6;

interface VersionStep {
  readonly major: number;
  readonly minor: number;
  readonly gives: string;
  readonly cost: string;
}

const steps: readonly VersionStep[] = [
  {
    major: 6,
    minor: 3,
    gives: 'id-mapped tmpfs',
    cost: 'an image on a tmpfs cannot be used with a user namespace; a tmpfs volume is given its owner by mount options instead',
  },
  {
    major: 6,
    minor: 5,
    gives: 'overlay layers named one by one',
    cost: 'images with very many layers are mounted through short names in a scratch folder, a little slower',
  },
  {
    major: 6,
    minor: 15,
    gives: 'overlay layers by descriptor, and exit information of a pidfd',
    cost: 'layers are attached for a moment in a scratch namespace; the exit status of a container whose launcher was killed is lost',
  },
];

export function kernelFindings(host: HostFacts): Finding[] {
  return [
    versionFinding(host),
    ...(kernelAtLeast(host.kernel, 5, 14) ? steps.map((step) => stepFinding(host, step)) : []),
    overlayFinding(host),
    seccompFinding(host),
    landlockFinding(host),
    timeFinding(host),
  ];
}

function versionFinding({ kernel }: HostFacts): Finding {
  const text = `Linux ${kernel.release}`;
  if (kernelAtLeast(kernel, 5, 19)) return good('kernel', text);
  if (kernelAtLeast(kernel, 5, 14)) {
    const details = {
      text: `${text}; the default profile wants 5.19`,
      cost: 'layers under an overlay cannot be id-mapped, so the disposable root needs --userns host',
      remedy: 'run Linux 5.19 or newer (Debian 12 has 6.1)',
    };
    return obstacle('kernel', details, 'partly');
  }
  return obstacle('kernel', {
    text: `${text}; the lowest is 5.14`,
    cost: 'tsrun does not start: clone3, openat2, mount_setattr or cgroup.kill is missing',
    remedy: 'run Linux 5.14 or newer (Debian 12 has 6.1)',
  });
}

function stepFinding({ kernel }: HostFacts, { major, minor, gives, cost }: VersionStep): Finding {
  const topic = `kernel ${major}.${minor}`;
  if (kernelAtLeast(kernel, major, minor)) return good(topic, gives);
  return lack(topic, 'no', { text: `no ${gives}`, cost, remedy: `run Linux ${major}.${minor} or newer` });
}

function overlayFinding(host: HostFacts): Finding {
  const { supports, kernel } = host;
  if (supports.overlay && !replacesFolders(host)) {
    return lack('overlay', 'partly', {
      text: `overlayfs is there, but Linux ${kernel.release} keeps no attributes of ordinary users on a tmpfs`,
      cost: 'in a disposable root, folders of the image cannot be removed or replaced (EIO)',
      remedy: 'run Linux 6.6 or newer, run as root, or use --writable or --read-only',
    });
  }
  if (supports.overlay) return good('overlay', 'overlayfs is there');
  return obstacle('overlay', {
    text: 'the kernel has no overlayfs, neither built in nor as a module for this release',
    cost: 'no disposable root: only --writable and --read-only work',
    remedy: 'load the module (modprobe overlay), or boot a kernel with CONFIG_OVERLAY_FS',
  });
}

function seccompFinding({ supports }: HostFacts): Finding {
  if (supports.seccomp) return good('seccomp', 'filters can be loaded');
  return obstacle('seccomp', {
    text: 'the kernel cannot load seccomp filters',
    cost: 'containers may make every system call; the default profile refuses to start without --security-opt seccomp=unconfined',
    remedy: 'boot a kernel with CONFIG_SECCOMP_FILTER',
  });
}

function landlockFinding({ landlockAbi }: HostFacts): Finding {
  if (landlockAbi >= SCOPES_ABI) return good('landlock', `ABI ${landlockAbi}: signal and abstract socket scopes`);
  const cost = 'where namespaces are shared with the host (--pid host, --network host) signals and abstract sockets are not walled off';
  if (landlockAbi > 0) {
    return lack('landlock', 'partly', {
      text: `ABI ${landlockAbi}; scopes need ABI ${SCOPES_ABI}`,
      cost,
      remedy: 'run Linux 6.12 or newer',
    });
  }
  return lack('landlock', 'no', {
    text: 'Landlock is not built in or not switched on',
    cost,
    remedy: "run Linux 6.12 or newer with 'landlock' in the boot parameter lsm=",
  });
}

function timeFinding({ supports }: HostFacts): Finding {
  if (supports.timeNamespaces) return good('time namespaces', 'clock offsets are possible');
  return lack('time namespaces', 'no', {
    text: 'the kernel has no time namespaces',
    cost: '--time-offset fails',
    remedy: 'boot a kernel with CONFIG_TIME_NS',
  });
}
