/** `app.json`, Heroku's manifest of an app (Dev Center, "app.json Schema"), with the health checks that Dokku reads from it. */
import { TsrunError } from '../../spec/errors.js';
import type { JsonObject, JsonValue } from '../../spec/json.js';
import { printable, show } from '../../spec/quote.js';
import { anyOf, array, assertShape, boolean, integer, object, oneOf, optional, record, text, type Shape } from '../../spec/shape.js';
import type { HealthCheck } from '../health/health-options.js';
import { namedSize } from '../sizes/sizes.js';
import { dokkuShape, healthOfDokku, type DokkuCheck } from './dokku-checks.js';
import { readJson } from './read-json.js';

/** A config var that an app wants. */
export interface AppVariable {
  /** For whoever is to give it a value. */
  readonly description?: string;
  /** Unless somebody gives another. */
  readonly value?: string;
  /** `secret`: a random value of 64 hexadecimal digits, unless somebody gives another. */
  readonly generator?: 'secret';
  /** Without a value the app cannot be started. Default true. */
  readonly required?: boolean;
}

/** How many dynos of a type an app wants, and of which size. */
export interface AppFormation {
  /** At most 1000. */
  readonly quantity?: number;
  /** By Heroku's names: `standard-1x`. */
  readonly size?: string;
}

/** What an `app.json` says, as far as it matters where the app is run. */
export interface AppManifest {
  /** For people. */
  readonly name?: string;
  /** Lines for the shell: `postdeploy` is run once when the app is there. */
  readonly scripts: Readonly<Record<string, string>>;
  /** By name. */
  readonly env: Readonly<Record<string, AppVariable>>;
  /** By process type. */
  readonly formation: Readonly<Record<string, AppFormation>>;
  /** What a slug runs on: `heroku-24`. */
  readonly stack?: string;
  /** By process type. */
  readonly healthchecks: Readonly<Record<string, readonly HealthCheck[]>>;
  /** What was read but is not done, as sentences. */
  readonly warnings: readonly string[];
}

/** How an `app.json` is read. */
export interface AppJsonOptions {
  /** Names the file in errors. Default: `app.json`. */
  readonly source?: string;
}

interface Document {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string | AppVariable>>;
  readonly formation?: Readonly<Record<string, AppFormation>>;
  readonly stack?: string;
  readonly healthchecks?: Readonly<Record<string, readonly DokkuCheck[]>>;
}

/** With those that only describe the app to people. */
const done = ['name', 'scripts', 'env', 'formation', 'stack', 'healthchecks', 'description', 'keywords', 'website', 'repository', 'logo', 'success_url', '$schema'];
/** Heroku does them when it makes an app; here there is one already. */
const passedOver: Readonly<Record<string, string>> = {
  buildpacks: 'an image or a slug is built already',
  addons: 'give what they would set as config vars',
  environments: 'there is one environment',
  image: 'the image is named where the app is started',
  cron: 'what runs at its time is a one-off dyno of your own',
};

const variable = object<AppVariable>({ description: optional(text()), value: optional(text('text, in quotes')), generator: optional(oneOf('a generator', ['secret'])), required: optional(boolean) });
const type = text('a process type of 1 to 63 letters, digits, "-" and "_"', /^[\w-]{1,63}$/);

const document: Shape<Document> = object<Document>({
  name: optional(text()),
  scripts: optional(record(text())),
  env: optional(record(anyOf(text(), variable), text('the name of a variable', /^[A-Za-z_]\w*$/))),
  formation: optional(record(object<AppFormation>({ quantity: optional(integer(0, 1000)), size: optional(text()) }), type)),
  stack: optional(text()),
  healthchecks: optional(record(array(dokkuShape, 0, 100), type)),
});

/**
 * What an `app.json` says.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` with line and column, or with the path of the member
 *
 * @example
 * import { parseAppJson } from 'tsrun';
 * const { formation, env } = parseAppJson('{ "env": { "STAGE": "test" }, "formation": { "web": { "quantity": 2 } } }');
 * console.log(formation, env); // { web: { quantity: 2 } } { STAGE: { value: 'test' } }
 */
export function parseAppJson(text: string, { source = 'app.json' }: AppJsonOptions = {}): AppManifest {
  const value = readJson(text.replace(/^\ufeff/, ''), source);
  if (!isObject(value)) throw fault(`${source}: expected an object, found ${show(value)}`);
  const warnings = strangers(value, source);
  const checked: unknown = value;
  assertShape(document, checked, 'ERR_TSRUN_INVALID_ARGUMENT', source);
  for (const [of, { size }] of Object.entries(checked.formation ?? {})) if (size !== undefined && namedSize(size) === undefined) warnings.push(`${source}: the size '${printable(size)}' of '${of}' is passed over: it is not known`);
  const { name, stack, scripts = {}, env = {}, formation = {}, healthchecks = {} } = checked;
  return {
    ...(name !== undefined && { name }), ...(stack !== undefined && { stack }),
    warnings,
    // What the reader gives has no prototype.
    scripts: { ...scripts },
    formation: mapped(formation, (each) => ({ ...each })),
    env: mapped(env, (each) => (typeof each === 'string' ? { value: each } : { ...each })),
    healthchecks: mapped(healthchecks, (checks, of) => checks.map((check, index) => healthOfDokku(check, `${source} /healthchecks/${of}/${index}`))),
  };
}

/** `Object.fromEntries` sets members, `__proto__` too. */
export function mapped<T, U>(values: Readonly<Record<string, T>>, change: (value: T, key: string) => U): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value, key)]));
}

/** Members that are not done. */
function strangers(value: JsonObject, source: string): string[] {
  return Object.keys(value).filter((key) => !done.includes(key)).map((key) => {
    const why = Object.hasOwn(passedOver, key) ? passedOver[key] : undefined;
    return `${source}: '${printable(key)}' is passed over: ${why ?? 'it is not known'}`;
  });
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(message: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message);
}
