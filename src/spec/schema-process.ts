/** Shapes of `process` (config.md, "Process"). */

import { capabilityNames } from './capabilities.js';
import { rlimitNames } from './rlimits.js';
import { schedulerFlags, schedulerPolicies } from './scheduler.js';
import { absolutePath, cpuList, id, line, strings, uint16 } from './schema-common.js';
import { array, boolean, integer, object, oneOf, optional, text, uint64 } from './shape.js';
import type { Capabilities, Process, Rlimit, Scheduler, User } from './types.js';

const capabilitySet = optional(array(oneOf('a capability', capabilityNames)));

const capabilities = object<Capabilities>({
  bounding: capabilitySet,
  effective: capabilitySet,
  inheritable: capabilitySet,
  permitted: capabilitySet,
  ambient: capabilitySet,
});

const user = object<User>({
  uid: id,
  gid: id,
  umask: optional(integer(0, 0o777)),
  // setgroups(2): NGROUPS_MAX.
  additionalGids: optional(array(id, 0, 65_536)),
});

const rlimit = object<Rlimit>({ type: oneOf('a resource limit', rlimitNames), soft: uint64, hard: uint64 });

const scheduler = object<Scheduler>({
  policy: oneOf('a policy', schedulerPolicies),
  nice: optional(integer(-20, 19)),
  priority: optional(integer(0, 99)),
  flags: optional(array(oneOf('a flag', schedulerFlags))),
  runtime: optional(uint64),
  deadline: optional(uint64),
  period: optional(uint64),
});

export const processShape = object<Process>({
  terminal: optional(boolean),
  consoleSize: optional(object<NonNullable<Process['consoleSize']>>({ height: uint16, width: uint16 })),
  user,
  args: array(text(), 1),
  env: optional(strings),
  cwd: absolutePath,
  capabilities: optional(capabilities),
  rlimits: optional(array(rlimit)),
  noNewPrivileges: optional(boolean),
  apparmorProfile: optional(line),
  selinuxLabel: optional(line),
  oomScoreAdj: optional(integer(-1000, 1000)),
  scheduler: optional(scheduler),
  ioPriority: optional(object<NonNullable<Process['ioPriority']>>({
    class: oneOf('an I/O class', ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
    priority: optional(integer(0, 7)),
  })),
  execCPUAffinity: optional(object<NonNullable<Process['execCPUAffinity']>>({
    initial: optional(cpuList),
    final: optional(cpuList),
  })),
});
