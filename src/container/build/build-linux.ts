/** The part of a spec that only Linux has. */

import { resolve } from 'node:path';
import { defaultSysctls } from '../../spec/defaults.js';
import { normalPath } from '../../spec/inner-path.js';
import type { Linux, Mount } from '../../spec/types.js';
import type { BuildInput } from './build-input.js';
import { gidCount, hasOffsets, timeOffsets, type IdMaps, type NamespaceParts } from './build-namespaces.js';
import type { ResourceParts } from './build-resources.js';
import { buildSeccomp, protectedPaths } from './build-security.js';
import { ownsMounts } from './given-root.js';
import type { ResolvedDevice } from './resolve-devices.js';

export interface LinuxParts {
  readonly parts: NamespaceParts;
  readonly maps: IdMaps | undefined;
  readonly resources: ResourceParts;
  readonly bounding: readonly string[];
}

export function buildLinux(input: BuildInput, { parts, maps, resources, bounding }: LinuxParts): Linux {
  const { options, image, host } = input;
  const { standing } = parts;
  const base = image.spec?.linux;
  const isBundle = image.kind === 'bundle';
  const seccomp = buildSeccomp({ options, base: base?.seccomp, isBundle, host, bounding, userNamespace: standing.user !== 'host' });
  const sysctl = sysctls(input, parts, maps);
  const devices = linuxDevices(input, standing.user === 'host');
  const kept: Linux = { ...base };
  // What is decided anew must not come through from the bundle when the new value is "none".
  delete kept.seccomp;
  if (standing.user === 'host') {
    delete kept.uidMappings;
    delete kept.gidMappings;
  }
  if (standing.time !== 'new') delete kept.timeOffsets;
  return {
    ...kept,
    namespaces: parts.namespaces,
    ...(maps !== undefined && { uidMappings: maps.uidMappings, gidMappings: maps.gidMappings }),
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    resources: resources.resources,
    ...(devices.length > 0 && { devices }),
    ...(seccomp !== undefined && { seccomp }),
    ...(standing.mount === 'new' && protectedPaths(options, isBundle ? (base ?? {}) : undefined, host)),
    ...(hasOffsets(options.timeOffsets) && { timeOffsets: timeOffsets(options.timeOffsets ?? {}) }),
  };
}

function sysctls(input: BuildInput, { standing }: NamespaceParts, maps: IdMaps | undefined): Record<string, string> {
  const { options, image } = input;
  const base = image.spec?.linux?.sysctl ?? {};
  const defaults = image.kind !== 'bundle' && standing.network === 'new' ? defaultSysctls(gidCount(input, maps, standing.user)) : {};
  return { ...defaults, ...base, ...options.sysctls };
}

export function devicesOf({ options, devices }: BuildInput): readonly ResolvedDevice[] {
  if (devices === undefined && (options.devices ?? []).length > 0) throw new Error('options.devices must be looked up by resolveDevices first');
  return devices ?? [];
}

/** An ordinary user may make no device nodes, but may bind those of the host that it could open itself. */
export function deviceMounts(input: BuildInput): Mount[] {
  if (input.host.uid === 0 || !ownsMounts(input.options, input.image)) return [];
  return devicesOf(input).map(({ source, device: { path } }) => ({ destination: path, type: 'bind', source: resolve(source), options: ['bind', 'private', 'nosuid', 'noexec'] }));
}

function linuxDevices(input: BuildInput, sharesUsers: boolean): NonNullable<Linux['devices']> {
  if (input.host.uid !== 0 || !ownsMounts(input.options, input.image)) return [...(input.image.spec?.linux?.devices ?? [])];
  const asked = devicesOf(input).map(({ device: { uid, gid, ...node } }) =>
    // The host's owners mean nothing in another user namespace; there the node is root's.
    ({ ...node, ...(sharesUsers && uid !== undefined && { uid }), ...(sharesUsers && gid !== undefined && { gid }) }));
  const paths = new Set(asked.map(({ path }) => path));
  return [...(input.image.spec?.linux?.devices ?? []).filter(({ path }) => !paths.has(normalPath(path))), ...asked];
}
