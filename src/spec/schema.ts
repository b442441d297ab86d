/** Shapes of the whole spec (config.md) and of the extensions beside it. */

import { absolutePath, count, hostName, idMappings, nonEmpty, stringMap, strings } from './schema-common.js';
import { linuxShape } from './schema-linux.js';
import { attachedNetwork } from './networks.js';
import { processShape } from './schema-process.js';
import { array, boolean, integer, object, oneOf, optional, record, strictObject, tagged, text } from './shape.js';
import type { DiskUpper, Extensions, LogOptions, RootMode } from './extensions.js';
import type { Hook, Hooks, Mount, NamespaceType, Root, Spec } from './types.js';

/** semver.org's grammar as far as it matters; the next major version may mean something else by any field. */
const version = text('a version such as "1.3.0", before 2.0.0', /^[01]\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+][\w.+-]+)?$/);

/** config.md, "Mounts": relative ones are for compatibility, and relative to `/`. */
const mountDestination = text('a path of at most 4095 bytes', { test: (path) => path !== '' && Buffer.byteLength(path) <= 4095 });

const mount = object<Mount>({
  destination: mountDestination,
  type: optional(text()),
  source: optional(text()),
  options: optional(array(nonEmpty)),
  uidMappings: optional(idMappings),
  gidMappings: optional(idMappings),
});

const hooks = optional(array(object<Hook>({
  path: absolutePath,
  args: optional(strings),
  env: optional(strings),
  timeout: optional(integer(1, 2_147_483_647)),
})));

const hookFields = { prestart: hooks, createRuntime: hooks, createContainer: hooks, startContainer: hooks, poststart: hooks, poststop: hooks };

export const hookNames: readonly string[] = Object.keys(hookFields);

export const specShape = object<Spec>({
  ociVersion: version,
  root: optional(object<Root>({ path: nonEmpty, readonly: optional(boolean) })),
  process: optional(processShape),
  hostname: optional(hostName),
  domainname: optional(hostName),
  mounts: optional(array(mount)),
  hooks: optional(object<Hooks>(hookFields)),
  annotations: optional(stringMap),
  linux: optional(linuxShape),
});

/** Descriptors are ints to the kernel. */
export const descriptor = integer(0, 2_147_483_647);
const namespaceFd = optional(descriptor);

const limitPointer = text('a JSON pointer such as "/linux/resources/pids/limit"', /^\/linux\/resources\/./);

const diskUpper = strictObject<DiskUpper>({ folder: absolutePath, project: integer(1, 0xffff_ffff) });

const rootMode = tagged('kind', {
  disposable: strictObject<Extract<RootMode, { kind: 'disposable' }>>({ kind: oneOf('a kind', ['disposable']), sizeBytes: count, disk: optional(diskUpper) }),
  writable: strictObject<Extract<RootMode, { kind: 'writable' }>>({ kind: oneOf('a kind', ['writable']) }),
  'read-only': strictObject<Extract<RootMode, { kind: 'read-only' }>>({ kind: oneOf('a kind', ['read-only']) }),
});

/** Each once. */
export const pressureResources = array(oneOf('a resource', ['cpu', 'io', 'memory']), 0, 3);

export const extensionsShape = strictObject<Extensions>({
  root: optional(rootMode),
  lowerLayers: optional(array(absolutePath)),
  writablePaths: optional(array(absolutePath)),
  init: optional(boolean),
  landlockScopes: optional(boolean),
  survive: optional(boolean),
  autoRemove: optional(boolean),
  log: optional(strictObject<LogOptions>({ maxBytes: count })),
  files: optional(record(text(), absolutePath)),
  kernelFiles: optional(record(text(), text('the path of a file that can be covered', /^\/(?:proc\/(?:meminfo|cpuinfo)|sys\/fs\/cgroup\/[a-z]+\/[a-z_.]+)$/))),
  pressure: optional(pressureResources),
  namespaceFds: optional(strictObject<Partial<Record<NamespaceType, number>>>({
    pid: namespaceFd,
    network: namespaceFd,
    mount: namespaceFd,
    ipc: namespaceFd,
    uts: namespaceFd,
    user: namespaceFd,
    cgroup: namespaceFd,
    time: namespaceFd,
  })),
  network: optional(attachedNetwork),
  defaultedLimits: optional(array(limitPointer)),
});
