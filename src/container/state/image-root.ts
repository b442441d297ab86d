/** Where images lie. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';

/** @throws ERR_TSRUN_INVALID_ARGUMENT for a path that is not absolute */
export function defaultImageRoot(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const chosen = absolute('TSRUN_IMAGES', env['TSRUN_IMAGES']);
  if (chosen !== undefined) return chosen;
  if (uid === 0) return '/var/lib/tsrun';
  return join(absolute('XDG_DATA_HOME', env['XDG_DATA_HOME']) ?? join(env['HOME'] ?? homedir(), '.local/share'), 'tsrun');
}

function absolute(name: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (isAbsolute(value) && !value.includes('\0')) return value;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${name}: ${show(value)} is not an absolute path`, { hint: 'give a path from "/" on' });
}
