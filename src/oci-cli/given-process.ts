/** A process as config.json or `exec --process` has it, with what may be left out of it and without what nobody can give. */
import type { JsonValue } from '../spec/json.js';
import { processWithKnown } from './capabilities.js';
import { isObject } from './json-input.js';

export function configWithProcess(config: JsonValue): JsonValue {
  if (!isObject(config) || config['process'] === undefined) return config;
  return { ...config, process: givenProcess(config['process'], config['linux']) };
}

export function givenProcess(process: JsonValue, linux: unknown): JsonValue {
  return processWithKnown(withUser(process), linux);
}

/** The schema of the runtime-spec asks for none of it, and the zero of Go, which is root, is what runc and crun take. */
function withUser(process: JsonValue): JsonValue {
  if (!isObject(process)) return process;
  const { user = {} } = process;
  return isObject(user) ? { ...process, user: { uid: 0, gid: 0, ...user } } : process;
}
