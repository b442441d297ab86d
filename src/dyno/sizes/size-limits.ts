/** A size as limits of a container. */
import type { RunOptions } from '../../container/options/options.js';
import type { DynoSize } from './sizes.js';

export const defaultHardFactor = 2;

/** What a size decides of a container. */
export type SizeLimits = Pick<RunOptions, 'memory' | 'memorySwap' | 'cpuShares' | 'cpus' | 'pids' | 'ulimits' | 'unified' | 'rootBytes' | 'rootStorage'>;

export interface SizeHost {
  /** 0: there is none to be had. */
  readonly swapBytes: number;
}

/** Bytes that the kernel gives at most. */
export function hardLimitBytes({ memoryBytes, hardFactor = defaultHardFactor }: DynoSize): number {
  return Math.floor(memoryBytes * hardFactor);
}

/**
 * The kernel knows no quota that warns: its limit is the hard one, and what may be swapped out is what lies between the two. `memory.high`
 * at the quota would hold the program back, which Heroku does not do.
 */
export function sizeLimits(size: DynoSize, { swapBytes }: SizeHost): SizeLimits {
  const { memoryBytes, cpuShares, cpus, pids, openFiles, diskBytes, oomGroup = true } = size;
  const hard = hardLimitBytes(size);
  const ulimits = {
    // Each dyno has a user namespace of its own, which counts for itself (user_namespaces(7), RLIMIT_NPROC; Linux 5.14). The kernel looks at this before it asks
    // the controller, so that of two equal numbers it is this one that refuses, and pids.events says nothing.
    ...(pids !== undefined && { nproc: { soft: pids, hard: pids } }),
    ...(openFiles !== undefined && { nofile: { soft: openFiles, hard: openFiles } }),
  };
  return {
    memory: hard,
    memorySwap: swapBytes > 0 ? hard + (hard - memoryBytes) : hard,
    ...(cpuShares !== undefined && { cpuShares }),
    ...(cpus !== undefined && { cpus }),
    ...(pids !== undefined && { pids }),
    ulimits,
    unified: { 'memory.oom.group': oomGroup ? '1' : '0' },
    ...(diskBytes !== undefined && { rootBytes: diskBytes, rootStorage: 'disk' as const }),
  };
}

/** Options of a container with those of its size over them. */
export function withLimits<T extends SizeLimits>(options: T, limits: SizeLimits): T & SizeLimits {
  return { ...options, ...limits, ulimits: { ...options.ulimits, ...limits.ulimits }, unified: { ...options.unified, ...limits.unified } };
}
