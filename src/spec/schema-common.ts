/** Shapes that several parts of the spec share. */

import { largestId } from './ids.js';
import { pointer } from './quote.js';
import { anyOf, array, integer, record, text, type Shape } from './shape.js';
import { isSysctlName } from './sysctl-names.js';

export const id = integer(0, largestId);
export const uint16 = integer(0, 65_535);
/** As far as a number is exact; the spec's uint64 where no sane value is larger. */
export const count = integer(0, Number.MAX_SAFE_INTEGER);

/** dev_t has 12 bits for the major number and 20 for the minor (linux/kdev_t.h). */
export const majorMost = 4095;
export const minorMost = 1_048_575;

export const strings = array(text());
export const line = text('text on one line', /^[^\n]*$/);
export const nonEmpty = text('text that is not empty', /^[^]/);

/** PATH_MAX counts the terminating NUL. */
export const absolutePath = text('an absolute path of at most 4095 bytes', {
  test: (path) => path.startsWith('/') && Buffer.byteLength(path) <= 4095,
});

/** Engines written in Go send the zero of what was not given. */
export const pathIfAny = text('an absolute path of at most 4095 bytes, or ""', {
  test: (path) => path === '' || (path.startsWith('/') && Buffer.byteLength(path) <= 4095),
});

/** uts_namespaces(7): 64 bytes. White space in it would make further lines and columns in /etc/hosts. */
export const hostName = text('a name of at most 64 bytes without spaces', {
  test: (name) => !/[\s\0-\x1f\x7f]/.test(name) && Buffer.byteLength(name) <= 64,
});

export const cpuList = text('a list of numbers and ranges such as "0-3,7"', {
  test: (list) => list === '' || list.split(/, */).every(isRange),
});

/** No kernel is built for more than 8,192 processors (CONFIG_NR_CPUS). */
export const largestCpu = 8191;

function isRange(range: string): boolean {
  const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range) ?? [];
  return first !== undefined && Number(first) <= Number(last) && Number(last) <= largestCpu;
}

/** Text by text; an empty key has no meaning anywhere. */
export const stringMap = record(text(), text('a key that is not empty', /^[^]/));

/** Engines written in Go send the zero of what was not given: 0 stands for "not set". */
export function unsetOr(least: number, most: number): Shape<number> {
  return anyOf(integer(0, 0), integer(least, most));
}

/** Entries of an id map (user_namespaces(7): UID_GID_MAP_MAX_EXTENTS since 4.15). */
export const idMapExtents = 340;

const sysctlValue = text('a value on one line', /^[^\n]*$/);

/** Parameters of /proc/sys by their dotted names: neither a slash nor two dots, which would lead elsewhere. */
export const sysctls = record(sysctlValue, text('a name such as "net.core.somaxconn"', /^[a-z0-9_]+(?:\.[A-Za-z0-9_-]+)+$/));

/** The same in all forms of sysctl.d(5), as a config.json may have them. */
export const specSysctls = record(sysctlValue, text('a name such as "net.core.somaxconn"', { test: isSysctlName }));

/** Files of the container's own cgroup, without a slash; which of them may be written is decided in `cgroup/`. */
export const cgroupFiles: Shape<Record<string, string>> = givenRecord(record(text(), text('the name of a cgroup v2 file such as "memory.high"', /^[a-z_]+(?:\.[A-Za-z0-9_-]+)+$/)));

/** In which a member that is undefined is a fault: who computes a limit and gets none has not asked for none. */
function givenRecord<T>(shape: Shape<Record<string, T>>): Shape<Record<string, T>> {
  return {
    expects: shape.expects,
    check(value, at, faults) {
      shape.check(value, at, faults);
      if (typeof value !== 'object' || value === null) return;
      for (const [name, member] of Object.entries(value)) if (member === undefined) faults.expected(pointer(at, name), 'text', member, 'leave it out where there is no limit');
    },
  };
}
