/** Walls that are neither namespaces nor ids: masked paths, seccomp, Landlock. `privileged` takes them down by default. */

import type { HostFacts } from '../../host/facts.js';
import { parseCpuList } from '../../host/probe.js';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../../spec/defaults.js';
import { isDockerSeccomp, resolveDockerSeccomp } from '../../spec/docker-seccomp.js';
import { defaultSeccomp } from '../../spec/seccomp-profile.js';
import type { Linux, Seccomp } from '../../spec/types.js';
import { hasLandlockScopes } from './check-conflicts.js';
import type { RunOptions } from '../options/options.js';

/** Whether /proc and /sys show and take everything. What is said of a single wall stands over `privileged`. */
export function systemPathsOpen({ systemPaths, privileged }: RunOptions): boolean {
  return systemPaths === undefined ? privileged === true : systemPaths === 'unconfined';
}

/** @param base of a bundle; absent for the default profile */
export function protectedPaths(options: RunOptions, base: Linux | undefined, host: HostFacts): Pick<Linux, 'maskedPaths' | 'readonlyPaths'> {
  if (systemPathsOpen(options)) return { maskedPaths: [], readonlyPaths: [] };
  const { maskedPaths, readonlyPaths } = base ?? {};
  if (base !== undefined && options.systemPaths === undefined) {
    return { ...(maskedPaths !== undefined && { maskedPaths }), ...(readonlyPaths !== undefined && { readonlyPaths }) };
  }
  const cpus = host.arch === 'x64' ? parseCpuList(host.onlineCpus ?? '') : [];
  return {
    maskedPaths: [...new Set([...(maskedPaths ?? []), ...defaultMaskedPaths(cpus)])],
    readonlyPaths: [...new Set([...(readonlyPaths ?? []), ...defaultReadonlyPaths])],
  };
}

export interface SeccompInput {
  readonly options: RunOptions;
  readonly base: Seccomp | undefined;
  readonly isBundle: boolean;
  readonly host: HostFacts;
  readonly bounding: readonly string[];
  /** The container has a user namespace that is not the host's. */
  readonly userNamespace: boolean;
}

export function buildSeccomp({ options, base, isBundle, host, bounding, userNamespace }: SeccompInput): Seccomp | undefined {
  const { seccomp, privileged } = options;
  if (typeof seccomp === 'object') return isDockerSeccomp(seccomp) ? resolveDockerSeccomp(seccomp, { arch: host.arch, kernel: host.kernel, capabilities: bounding }) : seccomp;
  if (seccomp === 'unconfined') return undefined;
  if (seccomp === undefined && privileged === true) return undefined;
  if (seccomp === undefined && isBundle) return base;
  return defaultSeccomp({ arch: host.arch, capabilities: bounding, userNamespace });
}

/** The runtime-spec has no word for it, so that a bundle gets it as well. */
export function landlockScopes({ landlock, privileged }: RunOptions, host: HostFacts): boolean {
  return (landlock ?? privileged !== true) && hasLandlockScopes(host);
}
