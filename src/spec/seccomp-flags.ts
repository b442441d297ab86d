/** The flags that a seccomp profile may name, with the numbers of seccomp(2). */
export const seccompFilterFlags: ReadonlyMap<string, number> = new Map([
  ['SECCOMP_FILTER_FLAG_TSYNC', 1],
  ['SECCOMP_FILTER_FLAG_LOG', 2],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 4],
  ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 32],
]);
