/** The seccomp filter of a spec, compiled for this command or by an earlier one. */
import { encodeSeccomp, seccompFlags } from '../engine/seccomp-description.js';
import type { HostFacts } from '../host/facts.js';
import type { PlanInput } from '../plan/input.js';
import type { Seccomp, Spec } from '../spec/types.js';
import { knowsAllCalls } from './annotations.js';
import { filterKey, keepFilter, keptFilter } from './kept-filters.js';
import { logWarning } from './log.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

/** @param root below which filters are kept */
export function filterOf(spec: Spec, { arch }: HostFacts, root: string): Pick<PlanInput, 'filter'> {
  const seccomp = spec.linux?.seccomp;
  if (seccomp === undefined) return {};
  const allKnown = knowsAllCalls(spec);
  const key = filterKey([arch, allKnown, seccomp]);
  const bytes = keptFilter(root, key) ?? compiled(seccomp, arch, allKnown, (filter) => { keepFilter(root, key, filter); });
  return { filter: { bytes, flags: seccompFlags(seccomp) } };
}

/**
 * As runc and crun have it: a name that libseccomp does not know is left out. Profiles are written for calls of kernels to come.
 *
 * @param keep given the filter of a profile of which nothing was left out: what was is told of each time
 */
function compiled(seccomp: Seccomp, arch: HostFacts['arch'], allKnown: boolean, keep: (filter: Uint8Array) => void): Uint8Array {
  for (let left = seccomp; ; ) {
    try {
      const filter = host.compileSeccomp(encodeSeccomp(left, arch, allKnown));
      if (left === seccomp) keep(filter);
      return filter;
    } catch (error) {
      const name = unknownCall(error);
      if (name === undefined) throw error;
      if (allKnown) throw new RuntimeError(`invalid seccomp syscall ${JSON.stringify(name)}`);
      logWarning(`unknown seccomp syscall ${JSON.stringify(name)} ignored: it gets what linux.seccomp has for all others`);
      left = without(name, left);
    }
  }
}

/** The call for whose name a profile cannot be compiled. */
function unknownCall(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || error.syscall !== 'seccomp_syscall_resolve_name') return undefined;
  return 'detail' in error && typeof error.detail === 'string' ? error.detail : undefined;
}

function without(name: string, seccomp: Seccomp): Seccomp {
  const syscalls = (seccomp.syscalls ?? []).map((rule) => ({ ...rule, names: rule.names.filter((each) => each !== name) }));
  return { ...seccomp, syscalls };
}
