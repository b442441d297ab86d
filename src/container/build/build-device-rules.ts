/** Which devices may be used, as linux.resources.devices; `cgroup/device-rules.ts` says what such rules mean. */

import type { Device, DeviceRule, Resources } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';
import type { ResolvedDevice } from './resolve-devices.js';

export interface DeviceRuleInput {
  readonly options: RunOptions;
  /** Of a bundle; absent for the default profile. */
  readonly base: Resources | undefined;
  readonly isBundle: boolean;
  /** Nodes of the bundle. */
  readonly nodes: readonly Device[];
  readonly devices: readonly ResolvedDevice[];
}

const everything: DeviceRule = { allow: true, access: 'rwm' };
const nothing: DeviceRule = { allow: false, access: 'rwm' };

/** What was asked for comes last, and is exactly what holds for that device, whatever the rules before it say. */
export function buildDeviceRules({ options, base, isBundle, nodes, devices }: DeviceRuleInput): DeviceRule[] {
  const allowed = devices.map(({ device, access }) => rule(device, access));
  if (options.privileged === true) {
    const restricted = allowed.filter(({ access }) => access !== everything.access);
    return [everything, ...restricted.map(denied), ...restricted];
  }
  if (!isBundle) return [nothing, ...allowed];
  return [...(base?.devices ?? nodes.flatMap(nodeRule)), ...allowed.map(denied), ...allowed];
}

/** A bundle without a rule means its nodes to be used. */
function nodeRule({ type, major, minor }: Device): DeviceRule[] {
  return type === 'p' ? [] : [rule({ type: type === 'b' ? type : 'c', major, minor }, 'rw')];
}

function rule({ type, major = 0, minor = 0 }: { readonly type: 'b' | 'c'; readonly major?: number | undefined; readonly minor?: number | undefined }, access: string): DeviceRule {
  return { allow: true, type, major, minor, access };
}

function denied(given: DeviceRule): DeviceRule {
  return { ...given, ...nothing };
}
