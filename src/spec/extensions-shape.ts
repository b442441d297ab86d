/** Shapes of what stands beside a spec. */

import type { DiskUpper, Extensions, LogOptions, RootMode } from './extensions.js';
import { attachedNetwork } from './networks.js';
import { absolutePath, count } from './schema-common.js';
import { array, boolean, integer, oneOf, optional, record, strictObject, tagged, text } from './shape.js';
import type { NamespaceType } from './types.js';

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
