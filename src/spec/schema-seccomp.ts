/** Shapes of `linux.seccomp` (config-linux.md, "Seccomp"); the names are libseccomp's. */

import { readCapability } from './capabilities.js';
import { errnoNumber, isDockerSeccomp, type DockerSeccomp, type DockerSeccompArchitecture, type DockerSeccompFilter, type DockerSeccompSyscall } from './docker-seccomp.js';
import { Faults } from './faults.js';
import { absolutePath, nonEmpty, uint16 } from './schema-common.js';
import { seccompFilterFlags } from './seccomp-flags.js';
import { array, integer, object, oneOf, optional, text, uint64, type OptionalShape, type Shape } from './shape.js';
import type { Seccomp, SeccompArg, SeccompSyscall } from './types.js';

export const seccompActions = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const;

const action = oneOf('an action', seccompActions);

export const seccompArchitectures: readonly string[] = [
  ['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'LOONGARCH64', 'M68K', 'RISCV64', 'S390', 'S390X', 'SH', 'SHEB'],
  ['MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'PARISC', 'PARISC64'],
].flat().map((name) => `SCMP_ARCH_${name}`);

const flags = array(oneOf('a flag', [...seccompFilterFlags.keys()]));

export const seccompOperators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

const argument = object<SeccompArg>({
  // A system call has six arguments.
  index: integer(0, 5),
  value: uint64,
  valueTwo: optional(uint64),
  op: oneOf('an operator', seccompOperators),
});

const syscall = object<SeccompSyscall>({
  names: array(nonEmpty, 1),
  action,
  errnoRet: optional(uint16),
  args: optional(array(argument)),
});

export const seccompShape = object<Seccomp>({
  defaultAction: action,
  defaultErrnoRet: optional(uint16),
  architectures: optional(array(oneOf('an architecture', seccompArchitectures))),
  flags: optional(flags),
  listenerPath: optional(absolutePath),
  listenerMetadata: optional(text()),
  syscalls: optional(array(syscall)),
});

/** Go writes what is not set as null. */
function unset<T>(shape: Shape<T>): OptionalShape<T | null> {
  return optional({
    expects: shape.expects,
    check(value, at, faults) {
      if (value !== null) shape.check(value, at, faults);
    },
  });
}

const errnoName = text('the name of an errno, such as "EPERM"', { test: (name) => name === '' || errnoNumber(name) !== undefined });

const dockerFilter = object<DockerSeccompFilter>({
  caps: unset(array(text('a capability', { test: (name) => readCapability(name) !== undefined }))),
  arches: unset(array(nonEmpty)),
  minKernel: unset(text('a version such as "4.8"', /^\d{1,5}\.\d{1,5}$/)),
});

const dockerSyscall = object<DockerSeccompSyscall>({
  names: unset(array(nonEmpty)),
  name: unset(text()),
  action,
  errnoRet: unset(uint16),
  errno: unset(errnoName),
  args: unset(array(argument)),
  includes: unset(dockerFilter),
  excludes: unset(dockerFilter),
});

const dockerArchitecture = object<DockerSeccompArchitecture>({
  architecture: oneOf('an architecture', seccompArchitectures),
  subArchitectures: unset(array(oneOf('an architecture', seccompArchitectures))),
});

const dockerShape = object<DockerSeccomp>({
  defaultAction: action,
  defaultErrnoRet: unset(uint16),
  defaultErrno: unset(errnoName),
  archMap: unset(array(dockerArchitecture)),
  architectures: unset(array(oneOf('an architecture', seccompArchitectures))),
  flags: unset(flags),
  syscalls: unset(array(dockerSyscall)),
});

/** A profile as a caller may give it: the runtime-spec's, or docker's. */
export const seccompProfileShape: Shape<Seccomp | DockerSeccomp> = {
  expects: 'a seccomp profile',
  check(value, at, faults) {
    if (typeof value !== 'object' || value === null || !isDockerSeccomp(value)) seccompShape.check(value, at, faults);
    else checkDocker(value, at, faults);
  },
};

function checkDocker(value: object, at: string, faults: Faults): void {
  const own = new Faults();
  dockerShape.check(value, at, own);
  for (const { field, message, hint } of own.list) faults.add(field, message, hint);
  if (own.list.length > 0 || !isDockerSeccomp(value)) return;
  if ((value.archMap ?? []).length > 0 && (value.architectures ?? []).length > 0) faults.add(`${at}/architectures`, 'stands beside "archMap"', 'leave one of the two out');
  for (const [index, { name, names }] of (value.syscalls ?? []).entries()) {
    const [single, several] = [(name ?? '') !== '', (names ?? []).length > 0];
    if (single === several) faults.add(`${at}/syscalls/${index}`, single ? 'has "name" and "names"' : 'names no call', 'give "names"');
  }
}
