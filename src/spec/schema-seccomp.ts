/** Shapes of `linux.seccomp` (config-linux.md, "Seccomp"); the names are libseccomp's. */

import { absolutePath, nonEmpty, uint16 } from './schema-common.js';
import { array, integer, object, oneOf, optional, text, uint64 } from './shape.js';
import type { Seccomp, SeccompArg, SeccompSyscall } from './types.js';

const action = oneOf('an action', [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);

const architectures = [
  ['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'LOONGARCH64', 'M68K', 'RISCV64', 'S390', 'S390X', 'SH', 'SHEB'],
  ['MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'PARISC', 'PARISC64'],
].flat().map((name) => `SCMP_ARCH_${name}`);

const flags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const;

const operators = [
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
  op: oneOf('an operator', operators),
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
  architectures: optional(array(oneOf('an architecture', architectures))),
  flags: optional(array(oneOf('a flag', flags))),
  listenerPath: optional(absolutePath),
  listenerMetadata: optional(text()),
  syscalls: optional(array(syscall)),
});
