/** Shapes of `linux` (config-linux.md) without its resources and seccomp. */

import { absolutePath, cpuList, id, idMappings, line, majorMost, minorMost, specSysctls } from './schema-common.js';
import { resourcesShape } from './schema-resources.js';
import { seccompShape } from './schema-seccomp.js';
import { isDefaultSeccomp } from './seccomp-profile.js';
import { array, boolean, integer, object, oneOf, optional, record, text, type Shape } from './shape.js';
import type { Device, IntelRdt, Linux, Namespace, Seccomp, TimeOffset } from './types.js';

type Part<K extends keyof Linux> = NonNullable<Linux[K]>;

export const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;

const device = object<Device>({
  type: oneOf('a type of device', ['c', 'b', 'u', 'p']),
  path: absolutePath,
  major: optional(integer(0, majorMost)),
  minor: optional(integer(0, minorMost)),
  // With the bits for the type of file, which some engines leave in.
  fileMode: optional(integer(0, 0o177777)),
  uid: optional(id),
  gid: optional(id),
});

/** dev_valid_name() in the kernel: at most 15 bytes, nothing that breaks sysfs. */
const interfaceName = text('the name of a network interface', /^(?!\.{1,2}$)[^\s/:]{1,15}$/);

/** The clocks of the kernel end after 2^63 nanoseconds, and offsets at half of that (time_namespaces(7)). */
const timeOffset = object<TimeOffset>({
  secs: optional(integer(-4_611_686_018, 4_611_686_018)),
  nanosecs: optional(integer(0, 999_999_999)),
});

/** `r` = recursive, which runtimes accept beside the four words of the spec. */
const propagations = ['', 'private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable'];

export const memoryPolicyModes = [
  'MPOL_DEFAULT',
  'MPOL_BIND',
  'MPOL_INTERLEAVE',
  'MPOL_WEIGHTED_INTERLEAVE',
  'MPOL_PREFERRED',
  'MPOL_PREFERRED_MANY',
  'MPOL_LOCAL',
] as const;

export const memoryPolicyFlags = ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES'] as const;

const memoryPolicy = object<Part<'memoryPolicy'>>({
  mode: oneOf('a mode', memoryPolicyModes),
  nodes: optional(cpuList),
  flags: optional(array(oneOf('a flag', memoryPolicyFlags))),
});

const intelRdt = object<IntelRdt>({
  closID: optional(text('the name of a group, or "/"', /^(?:\/|(?!\.{1,2}$)[^/\n]*)$/)),
  schemata: optional(array(line)),
  l3CacheSchema: optional(line),
  memBwSchema: optional(text('one line that starts with "MB:"', /^MB:[^\n]*$/)),
  enableMonitoring: optional(boolean),
});

/** A path, or `slice:prefix:name` for systemd. */
const cgroupsPath = text('a path without ".." and line breaks', {
  test: (path) => !path.split(/[/:]/).includes('..') && !path.includes('\n'),
});

export const linuxShape = object<Linux>({
  uidMappings: optional(idMappings),
  gidMappings: optional(idMappings),
  sysctl: optional(specSysctls),
  resources: optional(resourcesShape),
  cgroupsPath: optional(cgroupsPath),
  namespaces: optional(array(object<Namespace>({
    type: oneOf('a namespace type', namespaceTypes),
    path: optional(absolutePath),
  }))),
  devices: optional(array(device)),
  netDevices: optional(record(object<Part<'netDevices'>[string]>({ name: optional(interfaceName) }), interfaceName)),
  seccomp: optional(unlessOwn(seccompShape)),
  rootfsPropagation: optional(oneOf('a propagation', propagations)),
  maskedPaths: optional(array(absolutePath)),
  readonlyPaths: optional(array(absolutePath)),
  mountLabel: optional(line),
  intelRdt: optional(intelRdt),
  memoryPolicy: optional(memoryPolicy),
  personality: optional(object<Part<'personality'>>({
    domain: oneOf('a domain', ['LINUX', 'LINUX32']),
    // The spec defines no flag so far.
    flags: optional(array(line, 0, 0)),
  })),
  timeOffsets: optional(object<Part<'timeOffsets'>>({ monotonic: optional(timeOffset), boottime: optional(timeOffset) })),
});

/** tsrun's own profile is long, known to be right, and frozen: it need not be looked at for every container. */
function unlessOwn(shape: Shape<Seccomp>): Shape<Seccomp> {
  return {
    ...shape,
    check: (value, at, faults) => {
      if (typeof value !== 'object' || value === null || !isDefaultSeccomp(value)) shape.check(value, at, faults);
    },
  };
}
