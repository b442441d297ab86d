/** Limits as linux.resources and process.rlimits. */

import type { HostFacts } from '../../host/facts.js';
import { defaultPidsLimit, defaultRlimits } from '../../spec/defaults.js';
import type { Faults } from '../../spec/faults.js';
import { leastNofile } from '../../spec/rules-process.js';
import { readRlimit, rlimitInfinity } from '../../spec/rlimits.js';
import type { Resources, Rlimit, Uint64 } from '../../spec/types.js';
import { buildDeviceRules, type DeviceRuleInput } from './build-device-rules.js';
import { bandwidthOf, bytesOf, checkReservation, checkSwap, swapBytesOf } from './limit-words.js';
import type { RunOptions } from '../options/options.js';

export interface ResourceInput extends DeviceRuleInput {
  readonly host: HostFacts;
}

export interface ResourceParts {
  readonly resources: Resources;
  /** JSON pointers of the limits that nobody asked for. */
  readonly defaulted: readonly string[];
}

const pidsPointer = '/linux/resources/pids/limit';

export function buildResources(input: ResourceInput, faults: Faults): ResourceParts {
  const { options, base = {}, isBundle } = input;
  const memory = memoryLimits(options, base.memory, input.host, faults);
  const cpu = cpuLimits(options, base.cpu);
  const unified = { ...base.unified, ...options.unified };
  // A bundle's config.json can say this limit: where it does not, none was meant. Who names the kernel's file has said it.
  const isDefault = options.pids === undefined && unified['pids.max'] === undefined && !isBundle;
  const pids = options.pids ?? base.pids?.limit ?? (isDefault ? defaultPidsLimit : undefined);
  const devices = buildDeviceRules(input);
  const kept: Resources = { ...base };
  // A limit that was taken back must not come through from the bundle.
  delete kept.memory;
  const resources: Resources = {
    ...kept,
    ...(devices.length > 0 && { devices }),
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: pids } }),
    ...(Object.keys(unified).length > 0 && { unified }),
  };
  return { resources, defaulted: isDefault ? [pidsPointer] : [] };
}

type Memory = NonNullable<Resources['memory']>;

/** Docker's meanings: 0 = not set, memory-swap counts both, and memory alone allows the same amount of swap. */
function memoryLimits(options: RunOptions, base: Memory = {}, host: HostFacts, faults: Faults): Memory {
  const own = bytesOf(options.memory);
  const limit = options.memory !== undefined ? own : positive(base.limit) ? base.limit : undefined;
  const reservation = bytesOf(options.memoryReservation);
  const swap = swapBytesOf(options.memorySwap);
  checkReservation(reservation, limit, faults);
  checkSwap(swap, limit, faults);
  const implied = own !== undefined && swap === undefined && hasSwap(host) ? Math.min(own * 2, Number.MAX_SAFE_INTEGER) : undefined;
  // A bundle's swap belongs to the bundle's limit: both in one figure.
  const { swap: baseSwap, limit: baseLimit, ...others } = base;
  const kept = options.memory === undefined ? { ...(baseLimit !== undefined && { limit: baseLimit }), ...(baseSwap !== undefined && { swap: baseSwap }) } : {};
  return {
    ...others,
    ...kept,
    ...(own !== undefined && { limit: own }),
    ...(reservation !== undefined && { reservation }),
    ...(swap !== undefined ? { swap } : implied !== undefined && { swap: implied }),
  };
}

/** A host without swap may lack the file, and what nobody asked for must not fail. */
function hasSwap({ swapBytes, cgroup }: HostFacts): boolean {
  return swapBytes > 0 || (cgroup.files?.includes('memory.swap.max') ?? false);
}

function positive(limit: number | undefined): limit is number {
  return limit !== undefined && limit > 0;
}

function cpuLimits({ cpus, cpuShares, cpusetCpus }: RunOptions, base: Resources['cpu'] = {}): NonNullable<Resources['cpu']> {
  return {
    ...base,
    ...(cpus !== undefined && bandwidthOf(cpus)),
    ...(cpuShares !== undefined && cpuShares !== 0 && { shares: cpuShares }),
    ...(cpusetCpus !== undefined && cpusetCpus !== '' && { cpus: cpusetCpus.replaceAll(' ', '') }),
  };
}

export interface RlimitInput {
  readonly ulimits: RunOptions['ulimits'];
  /** Of a bundle; absent for the default profile. */
  readonly base: readonly Rlimit[] | undefined;
  /** Highest hard limit for open files that the caller may give. */
  readonly maxNofile: number;
}

export function buildRlimits({ ulimits = {}, base, maxNofile }: RlimitInput, faults: Faults): Rlimit[] {
  const limits = new Map<string, Rlimit>((base ?? defaultRlimits(maxNofile)).map((limit) => [limit.type, limit]));
  for (const [name, { soft, hard }] of Object.entries(ulimits)) {
    const type = readRlimit(name);
    const field = `/ulimits/${name}`;
    if (type === undefined) {
      faults.add(field, 'unknown limit');
      continue;
    }
    const most = type === 'RLIMIT_NOFILE' ? maxNofile : undefined;
    // No process may have more open files than fs.nr_open allows, so that "unlimited" is the most there is.
    const limit = { type, soft: value(soft, most), hard: value(hard, most) };
    if (limit.soft > limit.hard) faults.add(`${field}/soft`, `${soft} is above the hard limit ${hard}`, 'lower it, or raise the hard limit');
    if (most !== undefined && limit.hard > most) {
      faults.add(`${field}/hard`, `${hard} is above ${most}, the most that may be given here`, 'a higher one needs CAP_SYS_RESOURCE, and fs.nr_open bounds it');
    }
    if (most !== undefined && limit.soft < leastNofile) faults.add(`${field}/soft`, `${soft} open files are too few to start with`, `give at least ${leastNofile}`);
    limits.set(type, limit);
  }
  return [...limits.values()];
}

function value(limit: number, most: number | undefined): Uint64 {
  return limit === -1 ? (most ?? rlimitInfinity) : limit;
}
