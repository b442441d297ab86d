/** A part of a change that one file holds together with what is left out: the rest is as it was. */
import type { Resources } from '../spec/types.js';

/** What the files say now; undefined where they are not there. */
export interface LimitsNow {
  readonly cpuMax?: string | undefined;
  readonly memoryMax?: string | undefined;
}

/** runc keeps the period where only the quota is given, and the other way round; a figure for memory and swap together needs one for memory. */
export function completeResources(resources: Resources, now: LimitsNow): Resources {
  const { cpu, memory } = resources;
  return {
    ...resources,
    ...(cpu !== undefined && { cpu: { ...cpu, ...bandwidthOf(cpu, now) } }),
    ...(memory !== undefined && { memory: { ...memory, ...limitOf(memory, now) } }),
  };
}

function bandwidthOf({ quota = 0, period = 0 }: NonNullable<Resources['cpu']>, { cpuMax }: LimitsNow): Resources['cpu'] {
  if (cpuMax === undefined || (quota === 0) === (period === 0)) return {};
  const [quotaNow = 'max', periodNow = '0'] = cpuMax.trim().split(' ');
  return quota === 0 ? { quota: quotaNow === 'max' ? -1 : Number(quotaNow) } : { period: Number(periodNow) };
}

function limitOf({ limit = 0, swap = 0 }: NonNullable<Resources['memory']>, { memoryMax }: LimitsNow): Resources['memory'] {
  if (memoryMax === undefined || swap <= 0 || limit !== 0) return {};
  return { limit: memoryMax.trim() === 'max' ? -1 : Number(memoryMax) };
}
