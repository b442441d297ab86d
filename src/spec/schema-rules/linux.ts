/** Rules for `linux` (config-linux.md) without its resources and seccomp. */

import { absolutePath, cpuList, idMapExtents, line, majorMost, minorMost, pathIfAny, specSysctls } from '../schema-common.js';
import { array, integer, oneOf, text } from '../shape.js';
import type { Rules } from './rule.js';

/** dev_valid_name() in the kernel: at most 15 bytes, nothing that breaks sysfs. */
const interfaceName = text('the name of a network interface', /^(?!\.{1,2}$)[^\s/:]{1,15}$/);

/** A path, or `slice:prefix:name` for systemd. */
const cgroupsPath = text('a path without ".." and line breaks', {
  test: (path) => !path.split(/[/:]/).includes('..') && !path.includes('\n'),
});

/** A folder of resctrl. */
const closID = text('the name of a group, or "/"', /^(?:\/|(?!\.{1,2}$)[^/\n]*)$/);

export const linuxRules = {
  '/linux/uidMappings': { most: idMapExtents },
  '/linux/gidMappings': { most: idMapExtents },
  // "Sysctl": in all forms of sysctl.d(5).
  '/linux/sysctl': { shape: specSysctls },
  // "Cgroups Path": a runtime may take some for invalid.
  '/linux/cgroupsPath': { shape: cgroupsPath },
  // "Namespaces".
  '#NamespaceType': { noun: 'a namespace type' },
  '#NamespaceReference/path': { shape: pathIfAny },
  // "Devices".
  '#Device/type': { shape: oneOf('a type of device', ['c', 'b', 'u', 'p']) },
  '#Device/path': { shape: absolutePath },
  '#Major': { shape: integer(0, majorMost) },
  '#Minor': { shape: integer(0, minorMost) },
  // With the bits for the type of file, which some engines leave in.
  '#FileMode': { shape: integer(0, 0o177777) },
  // "Network Devices".
  '/linux/netDevices': { key: interfaceName },
  '#NetDevice/name': { shape: interfaceName },
  // "Rootfs Mount Propagation": engines written in Go send the zero of what was not given; `r` is for recursive, which runtimes take beside the four words.
  '#RootfsPropagation': { noun: 'a propagation', names: (words) => ['', ...words, ...words.map((word) => `r${word}`)] },
  // "Masked Paths", "Readonly Paths".
  '/linux/maskedPaths/*': { shape: absolutePath },
  '/linux/readonlyPaths/*': { shape: absolutePath },
  // A mount option.
  '/linux/mountLabel': { shape: line },
  // "IntelRdt": no newlines; what starts with "MB:" goes last.
  '/linux/intelRdt/closID': { shape: closID },
  '/linux/intelRdt/schemata/*': { shape: line },
  '/linux/intelRdt/l3CacheSchema': { shape: line },
  '/linux/intelRdt/memBwSchema': { shape: text('one line that starts with "MB:"', /^MB:[^\n]*$/) },
  // "Memory policy".
  '/linux/memoryPolicy/mode': { required: true },
  '#MemoryPolicyMode': { noun: 'a mode' },
  '/linux/memoryPolicy/nodes': { shape: cpuList },
  '#MemoryPolicyFlag': { noun: 'a flag' },
  // "Personality": a domain is required, and no flag is defined so far.
  '#Personality/domain': { required: true },
  '#PersonalityDomain': { noun: 'a domain' },
  '#Personality/flags': { shape: array(line, 0, 0) },
  // The clocks of the kernel end after 2^63 nanoseconds, and offsets at half of that (time_namespaces(7)).
  '#TimeOffsets/secs': { shape: integer(-4_611_686_018, 4_611_686_018) },
  '#TimeOffsets/nanosecs': { shape: integer(0, 999_999_999) },
} as const satisfies Rules;
