/** What an `app.json` makes of the options of a formation. */
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { FormationOptions, ProcessTypeOptions } from '../formation-options.js';
import { namedSize } from '../sizes/sizes.js';
import type { AppManifest } from './app-json.js';

/**
 * Options that go by an `app.json`: its config vars, its numbers of dynos and their sizes, its health checks. What is given goes over what it says.
 * A generated secret is another one each time: keep the config vars of an app that is to know it again.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for a required config var that nobody gives a value
 *
 * @example
 * import { appOptions, parseAppJson } from 'tsrun';
 * const manifest = parseAppJson('{ "env": { "STAGE": "test", "KEY": { "generator": "secret" } }, "formation": { "web": { "quantity": 2 } } }');
 * const { env = {}, quantities } = await appOptions(manifest, { env: { STAGE: 'live' } });
 * console.log(env['STAGE'], env['KEY']?.length, quantities); // live 64 { web: 2 }
 */
export async function appOptions(manifest: AppManifest, given: FormationOptions = {}): Promise<FormationOptions> {
  const env = await variables(manifest, given.env ?? {});
  const numbers = Object.entries(manifest.formation).flatMap(([type, { quantity }]) => (quantity === undefined ? [] : [[type, quantity] as const]));
  const quantities = given.quantities ?? (numbers.length === 0 ? undefined : Object.fromEntries(numbers));
  return { ...given, env, ...(quantities !== undefined && { quantities }), processTypes: processTypes(manifest, given) };
}

function processTypes({ formation, healthchecks }: AppManifest, given: FormationOptions): Readonly<Record<string, ProcessTypeOptions>> {
  const types = new Set([...Object.keys(formation), ...Object.keys(healthchecks)]);
  const said = [...types].map((type): readonly [string, ProcessTypeOptions] => {
    const [health, size] = [healthchecks[type], namedSize(formation[type]?.size ?? '')];
    // One size for all goes over those that are of a type here, but not over what is given for a type.
    return [type, { ...(health !== undefined && { health }), ...(size !== undefined && given.size === undefined && { size }), ...given.processTypes?.[type] }];
  });
  return { ...given.processTypes, ...Object.fromEntries(said) };
}

async function variables({ env }: AppManifest, given: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const missing: string[] = [];
  const own: [string, string][] = [];
  for (const [name, { value, generator, required = true, description }] of Object.entries(env)) {
    if (Object.hasOwn(given, name)) continue;
    if (value !== undefined) own.push([name, value]);
    else if (generator === 'secret') own.push([name, await secret()]);
    else if (required) missing.push(description === undefined ? show(name) : `${show(name)} (${show(description)})`);
  }
  const [first, ...others] = missing;
  if (first === undefined) return { ...Object.fromEntries(own), ...given };
  const rest = others.length === 0 ? '' : ` (and ${others.length} more)`;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the app needs the config var ${first}${rest}, which has no value`, { field: '/env', hint: 'give it one' });
}

/** Loaded when it is asked for: it is the dearest of Node's modules. */
async function secret(): Promise<string> {
  const { randomBytes } = await import('node:crypto');
  return randomBytes(32).toString('hex');
}
