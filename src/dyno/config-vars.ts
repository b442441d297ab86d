/** What config vars may be, as on Heroku (Dev Center, "Configuration and Config Vars"). */
import { TsrunError } from '../spec/errors.js';
import { pointer, show } from '../spec/quote.js';

/** All names and values together. */
export const mostConfigBytes = 64 * 1024;

const names = /^\w+$/;
/** The platform's own; what it has to say is in `platformEnv`. */
const reserved = 'HEROKU_';

/** Values are not shown: they may be secrets. @throws ERR_TSRUN_INVALID_ARGUMENT */
export function checkConfigVars(env: Readonly<Record<string, string>> = {}): void {
  for (const name of Object.keys(env)) {
    const fault = faultOf(name);
    if (fault !== undefined) throw refused(`option ${pointer('/env', name)}: ${fault.message}`, pointer('/env', name), fault.hint);
  }
  const bytes = Object.entries(env).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (bytes > mostConfigBytes) throw refused(`option /env: all config vars together have ${bytes} bytes, and may have ${mostConfigBytes}`, '/env', `the largest is ${show(largest(env))}: mount what is long as a file`);
}

function faultOf(name: string): { readonly message: string; readonly hint: string } | undefined {
  if (!names.test(name)) return { message: `a config var has a name of letters, digits and "_", not ${show(name)}`, hint: 'call it otherwise' };
  if (name.startsWith('__')) return { message: `the name of a config var must not begin with "__": ${show(name)}`, hint: 'call it otherwise' };
  if (name.startsWith(reserved)) return { message: `names that begin with ${reserved} are the platform's: ${show(name)}`, hint: 'leave it out, or, if you are the platform, say it in platformEnv (--platform-env)' };
  return undefined;
}

function largest(env: Readonly<Record<string, string>>): string {
  return Object.entries(env).reduce((most, each) => (Buffer.byteLength(each[1]) > Buffer.byteLength(most[1]) ? each : most), ['', ''])[0];
}

function refused(message: string, field: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field, hint });
}
