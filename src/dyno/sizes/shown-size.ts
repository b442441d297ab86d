/** A size as its program finds it. */
import { existsSync } from 'node:fs';
import type { RunOptions } from '../../container/options/options.js';
import type { HostFacts } from '../../host/facts.js';
import type { DynoSize } from './sizes.js';

/**
 * Start scripts of buildpacks compute how many workers there shall be from files of cgroup v1, `nproc` and `ulimit -u`. What they look
 * for is the quota, not the kernel's limit above it. `nproc` knows no cgroup, but takes this variable for the most there is (coreutils,
 * "nproc invocation").
 */
export function shownSize({ memoryBytes, cpus }: DynoSize): Pick<RunOptions, 'shownLimits' | 'env'> {
  return {
    shownLimits: { memory: memoryBytes, ...(cpus !== undefined && { cpus }) },
    env: cpus === undefined ? {} : { OMP_THREAD_LIMIT: String(Math.ceil(cpus)) },
  };
}

/** Where the kernel counts it: a dyno that waits for memory is near its end, and this comes before. The files are there when counting is off, too. */
export function sizePressure({ cgroup }: HostFacts): Pick<RunOptions, 'pressure'> {
  return cgroup.files?.includes('memory.pressure') === true && existsSync('/proc/pressure/memory') ? { pressure: ['memory'] } : {};
}
