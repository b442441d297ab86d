/** Rules for `linux.resources` (config-linux.md, "Control groups"). Zero is taken for "not set": see `unsetOr`. */

import { cgroupFiles, count, cpuList, majorMost, minorMost, nonEmpty, unsetOr } from '../schema-common.js';
import { anyOf, integer, oneOf, text } from '../shape.js';
import type { Rules } from './rule.js';

/** As far as a number is exact; -1 = no limit. */
const limit = { shape: integer(-1, Number.MAX_SAFE_INTEGER) };

export const resourcesRules = {
  // "Unified": files of the container's own cgroup.
  '/linux/resources/unified': { shape: cgroupFiles },
  // "Allowed Device list"; -1 is how engines write "all".
  '#DeviceCgroup/type': { shape: oneOf('a type of device', ['a', 'c', 'b']) },
  '#DeviceCgroup/major': { shape: integer(-1, majorMost) },
  '#DeviceCgroup/minor': { shape: integer(-1, minorMost) },
  '#DeviceCgroup/access': { shape: text('any of the letters r, w and m', /^(?!.*(.).*\1)[rwm]+$/) },
  // "Memory".
  '/linux/resources/memory/limit': limit,
  '/linux/resources/memory/reservation': limit,
  '/linux/resources/memory/swap': limit,
  '/linux/resources/memory/kernel': limit,
  '/linux/resources/memory/kernelTCP': limit,
  '/linux/resources/memory/swappiness': { shape: integer(0, 100) },
  // "CPU": the kernel took shares of 2 to 2^18 and read others as the nearest of them (sched_group_set_shares() of kernel/sched/fair.c): engines pass them on.
  '/linux/resources/cpu/shares': { shape: count },
  // The kernel's own bounds (kernel/sched/core.c): period 1 ms to 1 s, quota from 1 ms.
  '/linux/resources/cpu/quota': { shape: anyOf(integer(-1, 0), integer(1000, Number.MAX_SAFE_INTEGER)) },
  '/linux/resources/cpu/burst': { shape: count },
  '/linux/resources/cpu/period': { shape: unsetOr(1000, 1_000_000) },
  '/linux/resources/cpu/realtimeRuntime': { shape: integer(-1, 1_000_000_000) },
  '/linux/resources/cpu/realtimePeriod': { shape: integer(0, 1_000_000_000) },
  '/linux/resources/cpu/cpus': { shape: cpuList },
  '/linux/resources/cpu/mems': { shape: cpuList },
  '/linux/resources/cpu/idle': { shape: integer(0, 1) },
  // "PIDs": optional since 1.3, whose schema still requires it: 0 and nothing are not the same any more. pids.max ends at PID_MAX_LIMIT;
  // older engines send larger numbers for "no limit".
  '/linux/resources/pids/limit': { ...limit, required: false },
  // "Block IO".
  '#weight': { shape: unsetOr(10, 1000) },
  '#blockIODeviceThrottle/rate': { required: true, shape: count },
  // "Huge page limits".
  '/linux/resources/hugepageLimits/*/pageSize': { shape: text('a page size such as "2MB"', /^[1-9][0-9]{0,3}[KMG]B$/) },
  '/linux/resources/hugepageLimits/*/limit': { shape: count },
  // "Network".
  '#NetworkInterfacePriority/name': { shape: nonEmpty },
} as const satisfies Rules;
