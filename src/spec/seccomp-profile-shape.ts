/** Shapes of seccomp profiles as callers may give them: the runtime-spec's form, or docker's, which is wider. */

import { readCapability } from './capabilities.js';
import { errnoNumber, isDockerSeccomp, type DockerSeccomp, type DockerSeccompArchitecture, type DockerSeccompFilter, type DockerSeccompSyscall } from './docker-seccomp.js';
import { Faults } from './faults.js';
import { nonEmpty, uint16 } from './schema-common.js';
import { seccompActionShape, seccompArchShape, seccompFlagShape, seccompShape, syscallArgShape } from './schema.generated.js';
import { array, object, optional, text, type OptionalShape, type Shape } from './shape.js';
import type { Seccomp } from './types.js';

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
  action: seccompActionShape,
  errnoRet: unset(uint16),
  errno: unset(errnoName),
  args: unset(array(syscallArgShape)),
  includes: unset(dockerFilter),
  excludes: unset(dockerFilter),
});

const dockerArchitecture = object<DockerSeccompArchitecture>({
  architecture: seccompArchShape,
  subArchitectures: unset(array(seccompArchShape)),
});

const dockerShape = object<DockerSeccomp>({
  defaultAction: seccompActionShape,
  defaultErrnoRet: unset(uint16),
  defaultErrno: unset(errnoName),
  archMap: unset(array(dockerArchitecture)),
  architectures: unset(array(seccompArchShape)),
  flags: unset(array(seccompFlagShape)),
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
