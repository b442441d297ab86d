/** The seccomp filter of a spec, compiled for this command. */
import { encodeSeccomp, seccompFlags } from '../engine/seccomp-description.js';
import type { HostFacts } from '../host/facts.js';
import type { PlanInput } from '../plan/input.js';
import type { Seccomp, Spec } from '../spec/types.js';
import { knowsAllCalls } from './annotations.js';
import { logWarning } from './log.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export function filterOf(spec: Spec, { arch }: HostFacts): Pick<PlanInput, 'filter'> {
  const seccomp = spec.linux?.seccomp;
  return seccomp === undefined ? {} : { filter: { bytes: compiled(seccomp, arch, knowsAllCalls(spec)), flags: seccompFlags(seccomp) } };
}

/** As runc and crun have it: a name that libseccomp does not know is left out. Profiles are written for calls of kernels to come. */
function compiled(seccomp: Seccomp, arch: HostFacts['arch'], allKnown: boolean): Uint8Array {
  for (let left = seccomp; ; ) {
    try {
      return host.compileSeccomp(encodeSeccomp(left, arch, allKnown));
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
