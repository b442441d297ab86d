/** The seccomp filter of a spec, compiled for this command. */
import { encodeSeccomp, seccompFlags } from '../engine/seccomp.js';
import type { HostFacts } from '../host/facts.js';
import type { PlanInput } from '../plan/input.js';
import type { Spec } from '../spec/types.js';
import { knowsAllCalls } from './annotations.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export function filterOf(spec: Spec, { arch }: HostFacts): Pick<PlanInput, 'filter'> {
  const seccomp = spec.linux?.seccomp;
  return seccomp === undefined ? {} : { filter: { bytes: compiled(encodeSeccomp(seccomp, arch, knowsAllCalls(spec))), flags: seccompFlags(seccomp) } };
}

function compiled(profile: Uint8Array): Uint8Array {
  try {
    return host.compileSeccomp(profile);
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error) || !('detail' in error) || error.syscall !== 'seccomp_syscall_resolve_name') throw error;
    throw new RuntimeError(`invalid seccomp syscall ${JSON.stringify(error.detail)}`);
  }
}
