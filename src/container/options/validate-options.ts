/**
 * Checks what a caller asks for before anything is touched. An unknown option is refused: a misspelt limit that is
 * ignored is no limit. What depends on several options is checked on the spec that they make.
 */

import { isIP } from 'node:net';
import { capabilityNames, readCapability } from '../../spec/capabilities.js';
import { isContainerId } from '../../spec/ids.js';
import { bridgeRange, egress } from '../../spec/networks.js';
import { readRlimit, rlimitNames } from '../../spec/rlimits.js';
import { absolutePath, hostName, line, nonEmpty, stringMap, strings, sysctls } from '../../spec/schema-common.js';
import { seccompProfileShape } from '../../spec/seccomp-profile-shape.js';
import { descriptor, pressureResources } from '../../spec/extensions-shape.js';
import {
  anyOf, array, assertShape, boolean, callback, instanceOf, integer, number, oneOf, optional, record, strictObject, text, type Shape,
} from '../../spec/shape.js';
import { env, grace, groups, signalName, size, stdio, terminal, user } from './option-shapes.js';
import { checksum, limits, platform } from './validate-images.js';
import { limitFields } from './validate-limits.js';
import type { DeviceOption, MountOption, NamespaceChoice, RunOptions } from './options.js';

type Choice<K extends keyof RunOptions> = NonNullable<RunOptions[K]>;

const address = text('an IP address', { test: (value: string) => isIP(value) !== 0 });

const containerName = text('1 to 128 letters, digits, "_", "+", "." and "-", the first one neither "." nor "-"', { test: isContainerId });

const joinPath = strictObject<{ path: string }>({ path: absolutePath });
const joinFd = strictObject<{ fd: number }>({ fd: descriptor });
const joinContainer = strictObject<{ container: string }>({ container: containerName });
const namespace: Shape<NamespaceChoice> = anyOf(oneOf('a choice', ['new', 'host']), joinPath, joinFd, joinContainer);

const access = text('any of the letters r, w and m', /^(?!.*(.).*\1)[rwm]+$/);
const device = strictObject<DeviceOption>({ source: absolutePath, destination: optional(absolutePath), access: optional(access) });

const mount = strictObject<MountOption>({
  type: oneOf('a type of mount', ['bind', 'tmpfs']),
  source: optional(nonEmpty),
  destination: absolutePath,
  readonly: optional(boolean),
  options: optional(array(nonEmpty)),
});

const shortCapabilities = capabilityNames.map((name) => name.slice('CAP_'.length));
const capabilities = optional(array(anyOf(
  oneOf('a capability', ['ALL', ...shortCapabilities, ...capabilityNames]),
  text('the same in lower case', { test: (name) => name.toUpperCase() === 'ALL' || readCapability(name) !== undefined }),
)));

const ulimitValue = integer(-1, Number.MAX_SAFE_INTEGER);
const ulimits = record(
  strictObject<{ soft: number; hard: number }>({ soft: ulimitValue, hard: ulimitValue }),
  text(`one of ${rlimitNames.map((name) => name.slice('RLIMIT_'.length).toLowerCase()).join(', ')}`, {
    test: (name) => readRlimit(name) !== undefined,
  }),
);

/** time_namespaces(7): half of the 2^63 nanoseconds that the kernel's clocks have. */
const offset = optional(integer(-4_611_686_018, 4_611_686_018));

const choice = optional(namespace);

const runOptions = strictObject<RunOptions>({
  id: optional(containerName),
  pull: optional(oneOf('a time', ['missing', 'always', 'never'])),
  platform: optional(platform),
  stack: optional(nonEmpty),
  checksum: optional(checksum),
  tlsVerify: optional(boolean),
  authFile: optional(nonEmpty),
  imageLimits: limits,
  onImageProgress: optional(callback<Choice<'onImageProgress'>>()),

  process: optional(nonEmpty),
  command: optional(strings),
  entrypoint: optional(strings),
  env: optional(env),
  cwd: optional(absolutePath),
  user: optional(user),
  groups: optional(groups),
  umask: optional(integer(0, 0o777)),
  hostname: optional(hostName),
  domainname: optional(hostName),

  terminal: optional(terminal),
  stdin: optional(stdio),
  stdout: optional(stdio),
  stderr: optional(stdio),

  root: optional(oneOf('a kind of root', ['disposable', 'writable', 'read-only'])),
  rootStorage: optional(oneOf('a place', ['memory', 'disk'])),
  rootBytes: optional(size),
  mounts: optional(array(mount)),
  imageVolumes: optional(oneOf('what becomes of volumes', ['tmpfs', 'ignore'])),
  shmBytes: optional(size),
  devices: optional(array(device)),
  dns: optional(array(address)),
  addHosts: optional(record(address, text('a host name', /^[^\s#]+$/))),

  ...limitFields,
  ulimits: optional(ulimits),
  pressure: optional(pressureResources),
  shownLimits: optional(strictObject<Choice<'shownLimits'>>({ memory: optional(size), cpus: optional(number(0.01, 8192)) })),

  capAdd: capabilities,
  capDrop: capabilities,
  privileged: optional(boolean),
  noNewPrivileges: optional(boolean),
  seccomp: optional(anyOf(oneOf('a profile', ['default', 'unconfined']), seccompProfileShape)),
  landlock: optional(boolean),
  systemPaths: optional(oneOf('a choice', ['masked', 'unconfined'])),
  apparmor: optional(line),
  sysctls: optional(sysctls),

  network: optional(anyOf(oneOf('a network', ['none', 'host', 'user', 'bridge']), joinPath, joinFd, joinContainer)),
  egress: optional(egress),
  bridgeRange: optional(bridgeRange),
  namespaces: optional(strictObject<Choice<'namespaces'>>({
    pid: choice,
    ipc: choice,
    uts: choice,
    user: choice,
    cgroup: choice,
    time: choice,
    mount: choice,
  })),
  timeOffsets: optional(strictObject<Choice<'timeOffsets'>>({ monotonic: offset, boottime: offset })),

  init: optional(boolean),
  oomScoreAdj: optional(integer(-1000, 1000)),
  stopSignal: optional(signalName),
  stopTimeoutMs: optional(grace),
  timeoutMs: optional(integer(1, 2_147_483_647)),

  labels: optional(stringMap),
  annotations: optional(stringMap),

  survive: optional(boolean),
  autoRemove: optional(boolean),
  log: optional(boolean),
  timings: optional(boolean),
  strict: optional(boolean),
  onWarning: optional(callback<Choice<'onWarning'>>()),
  signal: optional(instanceOf(AbortSignal)),
});

/** @throws ERR_TSRUN_INVALID_ARGUMENT, with the JSON pointer of the option in `field` */
export function validateRunOptions(value: unknown): RunOptions {
  assertShape(runOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  return value;
}
