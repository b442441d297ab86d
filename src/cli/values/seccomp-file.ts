/** A seccomp profile from a file. Its shape is looked at here; every field is checked where all specs are checked. */
import { parseJsonBytes, TsrunError, type Seccomp } from '../../index.js';
import { readBytes } from './environment.js';
import { ValueError, type ValueContext } from './value-type.js';

export function readSeccompProfile(path: string, context: ValueContext): Seccomp {
  if (path === '') throw new ValueError('expected seccomp=default, seccomp=unconfined or seccomp=FILE');
  const profile = readJson(path, context);
  if (isDockerProfile(profile)) {
    throw new ValueError("the file is in docker's own format", 'give the "linux.seccomp" object of a config.json, with "architectures" instead of "archMap"');
  }
  if (!isSeccomp(profile)) throw new ValueError('the file is not a seccomp profile of the runtime-spec: "defaultAction" is missing');
  return profile;
}

function readJson(path: string, context: ValueContext): unknown {
  const bytes = readBytes(path, context);
  try {
    return parseJsonBytes(bytes, path);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    throw new ValueError(error.message, error.hint);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Docker's profiles choose rules by architecture, capability and kernel; the runtime-spec's are plain. */
function isDockerProfile(value: unknown): boolean {
  if (!isObject(value)) return false;
  const listed: unknown = value['syscalls'];
  const rules: readonly unknown[] = Array.isArray(listed) ? listed : [];
  return 'archMap' in value || rules.some((rule) => isObject(rule) && ('includes' in rule || 'excludes' in rule));
}

function isSeccomp(value: unknown): value is Seccomp {
  if (!isObject(value) || typeof value['defaultAction'] !== 'string') return false;
  return value['syscalls'] === undefined || Array.isArray(value['syscalls']);
}
