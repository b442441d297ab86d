/** Findings about the capabilities that a root of tsrun should hold; an ordinary user gets them from a user namespace. */
import type { HostFacts } from './facts.js';
import { good, lack, obstacle, type Finding } from './finding.js';

/** `no`: without it tsrun does not work; `partly`: something less does. */
const needed: readonly (readonly [name: string, ok: 'no' | 'partly', cost: string])[] = [
  ['CAP_SYS_ADMIN', 'no', 'no namespaces and no mounts: nothing starts'],
  ['CAP_SETUID', 'no', 'containers cannot change to their user, and id maps cannot be written'],
  ['CAP_SETGID', 'no', 'containers cannot change to their group, and id maps cannot be written'],
  ['CAP_SETPCAP', 'no', 'the capabilities that a container should not have cannot be taken away'],
  ['CAP_SYS_CHROOT', 'partly', 'exec cannot join the mount namespace of a container'],
  ['CAP_CHOWN', 'partly', 'terminals and writable layers cannot be given to the user of the container'],
  ['CAP_DAC_OVERRIDE', 'partly', 'image folders of other users cannot be opened'],
  ['CAP_FOWNER', 'partly', 'modes of files of other users cannot be set'],
  ['CAP_KILL', 'partly', 'processes of other users can only be ended with their whole cgroup'],
  ['CAP_MKNOD', 'partly', 'device nodes cannot be made with --userns host; those of the host are bound instead'],
  ['CAP_NET_ADMIN', 'partly', 'loopback stays down with --userns host'],
  ['CAP_SYS_PTRACE', 'partly', 'namespaces of running containers of other users cannot be joined or looked at'],
  ['CAP_SYS_RESOURCE', 'partly', 'hard rlimits cannot be raised, oom_score_adj cannot be lowered, pressure windows are multiples of 2 s'],
];

const TOPIC = 'capabilities';
const REMEDY = 'start tsrun with it (systemd: CapabilityBoundingSet=; docker: --cap-add)';

export function capabilityFindings({ uid, capabilities }: HostFacts): Finding[] {
  if (uid !== 0) return [good(TOPIC, 'an ordinary user: a user namespace gives the ones that are needed')];
  const absent = needed.filter(([name]) => !capabilities.includes(name));
  if (absent.length === 0) return [good(TOPIC, 'all that tsrun uses')];
  return absent.map(([name, ok, cost]) => {
    const details = { text: 'not held', cost, remedy: REMEDY };
    return ok === 'no' ? obstacle(name, details) : lack(name, ok, details);
  });
}
