/** Rules for `linux.seccomp` (config-linux.md, "Seccomp"). */

import { nonEmpty, pathIfAny, uint16 } from '../schema-common.js';
import { isDefaultSeccomp } from '../seccomp-profile.js';
import { integer, type Shape } from '../shape.js';
import type { Seccomp } from '../types.js';
import type { Rules } from './rule.js';

export const seccompRules = {
  '/linux/seccomp': { around: unlessOwn },
  '#SeccompAction': { noun: 'an action' },
  '#SeccompArch': { noun: 'an architecture' },
  '#SeccompFlag': { noun: 'a flag' },
  '#SeccompOperators': { noun: 'an operator' },
  // SECCOMP_RET_DATA has 16 bits (seccomp(2)).
  '/linux/seccomp/defaultErrnoRet': { shape: uint16 },
  '#Syscall/errnoRet': { shape: uint16 },
  '/linux/seccomp/listenerPath': { shape: pathIfAny },
  '#Syscall/names/*': { shape: nonEmpty },
  // A system call has six arguments.
  '#SyscallArg/index': { shape: integer(0, 5) },
} as const satisfies Rules;

/** tsrun's own profile is long, known to be right, and frozen: it need not be looked at for every container. */
function unlessOwn(shape: Shape<Seccomp>): Shape<Seccomp> {
  return {
    ...shape,
    check: (value, at, faults) => {
      if (typeof value !== 'object' || value === null || !isDefaultSeccomp(value)) shape.check(value, at, faults);
    },
  };
}
