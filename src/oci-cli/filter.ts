/** The seccomp filter of a spec, compiled for this command. */
import { encodeSeccomp, seccompFlags } from '../engine/seccomp.js';
import type { HostFacts } from '../host/facts.js';
import type { PlanInput } from '../plan/input.js';
import type { Spec } from '../spec/types.js';
import { knowsAllCalls } from './annotations.js';
import { host } from './platform/host.js';

export function filterOf(spec: Spec, { arch }: HostFacts): Pick<PlanInput, 'filter'> {
  const seccomp = spec.linux?.seccomp;
  return seccomp === undefined ? {} : { filter: { bytes: host.compileSeccomp(encodeSeccomp(seccomp, arch, knowsAllCalls(spec))), flags: seccompFlags(seccomp) } };
}
