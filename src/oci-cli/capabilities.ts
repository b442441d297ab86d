/** Capabilities that nobody can give are left out with a warning, not refused (config.md, "Linux Process"). */
import { effectiveCapabilities } from '../host/decode-capabilities.js';
import { systemReader } from '../host/reader.js';
import { capabilityNumber } from '../spec/capabilities.js';
import type { JsonValue } from '../spec/json.js';
import { hasUserNamespace } from './fields.js';
import { isObject } from './json-input.js';
import { logWarning } from './log.js';

/** A process without the capabilities that this kernel has not, or that this command does not hold itself and no user namespace gives. */
export function processWithKnown(process: JsonValue, linux: unknown): JsonValue {
  if (!isObject(process) || !isObject(process['capabilities'])) return process;
  const isKnown = knownIn(linux);
  const left = new Set<string>();
  const keep = (name: JsonValue): boolean => {
    if (typeof name !== 'string' || isKnown(name)) return true;
    left.add(name);
    return false;
  };
  const sets = Object.entries(process['capabilities']).map(([set, names]) => [set, Array.isArray(names) ? names.filter(keep) : names] as const);
  if (left.size === 0) return process;
  warnOf(left);
  return { ...process, capabilities: Object.fromEntries(sets) };
}

/** The same of names alone. */
export function knownAmong(names: readonly string[], linux: unknown): readonly string[] {
  if (names.length === 0) return names;
  const isKnown = knownIn(linux);
  const left = new Set(names.filter((name) => !isKnown(name)));
  if (left.size > 0) warnOf(left);
  return names.filter((name) => !left.has(name));
}

function knownIn(linux: unknown): (name: string) => boolean {
  const held = hasUserNamespace(linux) ? undefined : new Set<string>(effectiveCapabilities(systemReader.read('/proc/self/status') ?? ''));
  return (name) => capabilityNumber(name) !== undefined && held?.has(name) !== false;
}

function warnOf(left: ReadonlySet<string>): void {
  logWarning(`ignoring unknown or unavailable capabilities: [${[...left].join(' ')}]`);
}
