import type { Seccomp } from './types.js';

/** The flags that a seccomp profile may name, with the numbers of seccomp(2). */
export const seccompFilterFlags: ReadonlyMap<string, number> = new Map([
  ['SECCOMP_FILTER_FLAG_TSYNC', 1],
  ['SECCOMP_FILTER_FLAG_LOG', 2],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 4],
  ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 32],
]);

/** True if a call may be handed to a listener. */
export function notifies({ defaultAction, syscalls = [] }: Seccomp): boolean {
  return defaultAction === 'SCMP_ACT_NOTIFY' || syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
}
