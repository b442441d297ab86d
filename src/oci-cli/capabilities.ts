/** Capabilities that nobody can give are left out with a warning, not refused (config.md, "Linux Process"). */
import { effectiveCapabilities } from '../host/decode-capabilities.js';
import { systemReader } from '../host/reader.js';
import { capabilityNumber } from '../spec/capabilities.js';
import type { JsonValue } from '../spec/json.js';
import { hasUserNamespace } from './fields.js';
import { isObject } from './json-input.js';
import { logWarning } from './log.js';

/** A config without the capabilities that this kernel has not, or that this command does not hold itself and no user namespace gives. */
export function withKnownCapabilities(config: JsonValue): JsonValue {
  if (!isObject(config) || !isObject(config['process'])) return config;
  return { ...config, process: processWithKnown(config['process'], config['linux']) };
}

export function processWithKnown(process: JsonValue, linux: unknown): JsonValue {
  if (!isObject(process) || !isObject(process['capabilities'])) return process;
  const held = hasUserNamespace(linux) ? undefined : new Set<string>(effectiveCapabilities(systemReader.read('/proc/self/status') ?? ''));
  const left = new Set<string>();
  const keep = (name: JsonValue): boolean => {
    if (typeof name !== 'string' || (capabilityNumber(name) !== undefined && held?.has(name) !== false)) return true;
    left.add(name);
    return false;
  };
  const sets = Object.entries(process['capabilities']).map(([set, names]) => [set, Array.isArray(names) ? names.filter(keep) : names] as const);
  if (left.size === 0) return process;
  logWarning(`ignoring unknown or unavailable capabilities: [${[...left].join(' ')}]`);
  return { ...process, capabilities: Object.fromEntries(sets) };
}
