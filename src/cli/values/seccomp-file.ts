/** A seccomp profile from a file, the runtime-spec's or docker's own. Every field is checked where all options are checked. */
import { parseJsonBytes, TsrunError, type RunOptions } from '../../index.js';
import { readBytes } from './environment.js';
import { ValueError, type ValueContext } from './value-type.js';

type Profile = Exclude<NonNullable<RunOptions['seccomp']>, string>;

export function readSeccompProfile(path: string, context: ValueContext): Profile {
  if (path === '') throw new ValueError('expected seccomp=default, seccomp=unconfined or seccomp=FILE');
  const profile = readJson(path, context);
  if (!isProfile(profile)) throw new ValueError('the file is not a seccomp profile: "defaultAction" is missing');
  return profile;
}

/** Docker's own has 15 kB; a profile that names every call for every architecture stays far below. */
const mostProfileBytes = 4_194_304;

function readJson(path: string, context: ValueContext): unknown {
  const bytes = readBytes(path, context, mostProfileBytes);
  try {
    return parseJsonBytes(bytes, path);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    throw new ValueError(error.message, error.hint);
  }
}

function isProfile(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && 'defaultAction' in value && typeof value.defaultAction === 'string';
}
