/** A process as config.json or `exec --process` has it, with what may be left out of it and without what nobody can give. */
import type { JsonValue } from '../spec/json.js';
import type { Spec } from '../spec/types.js';
import { processWithKnown } from './capabilities.js';
import { isObject } from './json-input.js';

export function configWithProcess(config: JsonValue): JsonValue {
  if (!isObject(config) || config['process'] === undefined) return config;
  return { ...config, process: givenProcess(config['process'], config['linux']) };
}

export function givenProcess(process: JsonValue, linux: unknown): JsonValue {
  return processWithKnown(withLastValues(withUser(process)), linux);
}

/** Of a variable that is there more than once the last value holds, as with runc and crun: getenv(3) finds the first. */
export function lastValues(env: readonly string[]): string[] {
  const values = new Map<string, string>();
  for (const entry of env) {
    const [name = ''] = entry.split('=', 1);
    values.delete(name);
    values.set(name, entry);
  }
  return [...values.values()];
}

/** A container whose program has these variables, whatever its environment says of them. */
export function withVariables(spec: Spec, ...variables: readonly string[]): Spec {
  const { process } = spec;
  return process === undefined ? spec : { ...spec, process: { ...process, env: lastValues([...(process.env ?? []), ...variables]) } };
}

function withLastValues(process: JsonValue): JsonValue {
  if (!isObject(process)) return process;
  const { env } = process;
  return Array.isArray(env) && env.every((each) => typeof each === 'string') ? { ...process, env: lastValues(env) } : process;
}

/** The schema of the runtime-spec asks for none of it, and the zero of Go, which is root, is what runc and crun take. */
function withUser(process: JsonValue): JsonValue {
  if (!isObject(process)) return process;
  const { user = {} } = process;
  return isObject(user) ? { ...process, user: { uid: 0, gid: 0, ...user } } : process;
}
