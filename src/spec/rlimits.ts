/** The resource limits of Linux, by number (asm-generic/resource.h, the same on x86_64 and arm64): the index is the number. */

export const rlimitNames = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
] as const;

/** A resource limit by its full name. */
export type RlimitName = (typeof rlimitNames)[number];

/** The value that means "no limit". */
export const rlimitInfinity = 2n ** 64n - 1n;

const numbers = new Map<string, number>(rlimitNames.map((name, index) => [name, index]));

/** The kernel's number of a limit, by its full name. */
export function rlimitNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** The full name for docker's spelling: `nofile`. */
export function readRlimit(text: string): RlimitName | undefined {
  const index = text === text.toLowerCase() ? numbers.get(`RLIMIT_${text.toUpperCase()}`) : undefined;
  return index === undefined ? undefined : rlimitNames[index];
}
