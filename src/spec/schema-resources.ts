/** Shapes of `linux.resources` (config-linux.md, "Control groups"). Zero is accepted for "not set": see `unsetOr`. */

import { cgroupFiles, count, cpuList, majorMost, minorMost, nonEmpty, uint32, unsetOr } from './schema-common.js';
import { anyOf, array, boolean, integer, object, oneOf, optional, record, strictObject, text, type Fields, type Shape } from './shape.js';
import type { BlockIO, DeviceRule, Resources, ThrottleDevice } from './types.js';

type Maker = <T>(fields: Fields<T>) => Shape<T>;
type Part<K extends keyof Resources> = NonNullable<Resources[K]>;

/** Bytes; -1 = no limit. */
const limit = optional(integer(-1, Number.MAX_SAFE_INTEGER));
const major = integer(0, majorMost);
const minor = integer(0, minorMost);

const deviceRule = (make: Maker) => make<DeviceRule>({
  allow: boolean,
  type: optional(oneOf('a type of device', ['a', 'c', 'b'])),
  // -1 is how engines write "all".
  major: optional(integer(-1, majorMost)),
  minor: optional(integer(-1, minorMost)),
  access: optional(text('any of the letters r, w and m', /^(?!.*(.).*\1)[rwm]+$/)),
});

const memory = (make: Maker) => make<Part<'memory'>>({
  limit,
  reservation: limit,
  swap: limit,
  kernel: limit,
  kernelTCP: limit,
  swappiness: optional(integer(0, 100)),
  disableOOMKiller: optional(boolean),
  useHierarchy: optional(boolean),
  checkBeforeUpdate: optional(boolean),
});

const cpu = (make: Maker) => make<Part<'cpu'>>({
  // The kernel took shares of 2 to 2^18 and read others as the nearest of them (sched_group_set_shares() of kernel/sched/fair.c): engines pass them on.
  shares: optional(count),
  // Its own bounds (kernel/sched/core.c): period 1 ms to 1 s, quota from 1 ms.
  quota: optional(anyOf(integer(-1, 0), integer(1000, Number.MAX_SAFE_INTEGER))),
  burst: optional(count),
  period: optional(unsetOr(1000, 1_000_000)),
  realtimeRuntime: optional(integer(-1, 1_000_000_000)),
  realtimePeriod: optional(integer(0, 1_000_000_000)),
  cpus: optional(cpuList),
  mems: optional(cpuList),
  idle: optional(integer(0, 1)),
});

const weight = optional(unsetOr(10, 1000));
const throttles = (make: Maker) => optional(array(make<ThrottleDevice>({ major, minor, rate: count })));

const blockIO = (make: Maker) => make<BlockIO>({
  weight,
  leafWeight: weight,
  weightDevice: optional(array(make<NonNullable<BlockIO['weightDevice']>[number]>({ major, minor, weight, leafWeight: weight }))),
  throttleReadBpsDevice: throttles(make),
  throttleWriteBpsDevice: throttles(make),
  throttleReadIOPSDevice: throttles(make),
  throttleWriteIOPSDevice: throttles(make),
});

const hugepageLimit = (make: Maker) => make<Part<'hugepageLimits'>[number]>({
  pageSize: text('a page size such as "2MB"', /^[1-9][0-9]{0,3}[KMG]B$/),
  limit: count,
});

const priority = (make: Maker) => make<NonNullable<Part<'network'>['priorities']>[number]>({ name: nonEmpty, priority: uint32 });

const resources = (make: Maker) => make<Resources>({
  devices: optional(array(deviceRule(make))),
  memory: optional(memory(make)),
  cpu: optional(cpu(make)),
  // pids.max ends at PID_MAX_LIMIT; older engines send larger numbers for "no limit".
  pids: optional(make<Part<'pids'>>({ limit })),
  blockIO: optional(blockIO(make)),
  hugepageLimits: optional(array(hugepageLimit(make))),
  network: optional(make<Part<'network'>>({ classID: optional(uint32), priorities: optional(array(priority(make))) })),
  rdma: optional(record(make<Part<'rdma'>[string]>({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) }))),
  unified: optional(cgroupFiles),
});

/** As a config.json has it: what is unknown passes, as the runtime-spec demands. */
export const resourcesShape = resources(object);

/** As a caller of `update` gives it: a misspelt limit is no limit. */
export const strictResourcesShape = resources(strictObject);
