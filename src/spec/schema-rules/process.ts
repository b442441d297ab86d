/** Rules for `process` (config.md, "Process"). */

import { capabilityNames } from '../capabilities.js';
import { rlimitNames } from '../rlimits.js';
import { absolutePath, cpuList, line, uint16 } from '../schema-common.js';
import { integer, oneOf } from '../shape.js';
import type { Rules } from './rule.js';

/** config.md, "Linux Process": of the man page capabilities(7). That others are warned of, not refused, is for who reads the file: tsrun-oci. */
const capability = { shape: oneOf('a capability', capabilityNames) };

export const processRules = {
  // "Process": a width and a height of struct winsize (ioctl_tty(2)).
  '/process/consoleSize/height': { shape: uint16 },
  '/process/consoleSize/width': { shape: uint16 },
  '/process/cwd': { shape: absolutePath },
  // "Process": one entry at least, but on Windows.
  '/process/args': { required: true, least: 1 },
  '/process/commandLine': { elsewhere: true },
  // "POSIX-platform User".
  '/process/user': { required: true },
  '/process/user/uid': { required: true },
  '/process/user/gid': { required: true },
  // umask(2): nine bits.
  '/process/user/umask': { shape: integer(0, 0o777) },
  // setgroups(2): NGROUPS_MAX.
  '/process/user/additionalGids': { most: 65_536 },
  '/process/user/username': { elsewhere: true },
  '/process/capabilities/bounding/*': capability,
  '/process/capabilities/effective/*': capability,
  '/process/capabilities/inheritable/*': capability,
  '/process/capabilities/permitted/*': capability,
  '/process/capabilities/ambient/*': capability,
  // "POSIX process": what getrlimit(3) knows.
  '/process/rlimits/*/type': { shape: oneOf('a resource limit', rlimitNames) },
  // "Linux Process": both go into a file of /proc as a line.
  '/process/apparmorProfile': { shape: line },
  '/process/selinuxLabel': { shape: line },
  // proc_pid_oom_score_adj(5).
  '/process/oomScoreAdj': { shape: integer(-1000, 1000) },
  '#SchedulerPolicy': { noun: 'a policy' },
  '#SchedulerFlag': { noun: 'a flag' },
  // sched(7).
  '/process/scheduler/nice': { shape: integer(-20, 19) },
  '/process/scheduler/priority': { shape: integer(0, 99) },
  // "Linux Process": 0 to 7.
  '/process/ioPriority/class': { noun: 'an I/O class' },
  '/process/ioPriority/priority': { shape: integer(0, 7) },
  '/process/execCPUAffinity/initial': { shape: cpuList },
  '/process/execCPUAffinity/final': { shape: cpuList },
} as const satisfies Rules;
