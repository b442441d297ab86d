/** Flags about a formation: which processes of an app are run, and how they come back. */
import { parseAppJson, parseDotEnv, parseMetricsAddress, parseProcfile, parsePublish, parseQuantities, parseSizes, restartPolicies, TsrunError, type AppManifest, type DynoSizes, type MetricsAddress, type Procfile, type PublishOptions, type RestartPolicyName } from '../../index.js';
import { integer, matching, oneOf, someTime, text, toggle } from '../values/basic.js';
import { readUtf8, variable } from '../values/environment.js';
import { listOf, pairsOf, ValueError, type ValueType } from '../values/value-type.js';
import { flag, type Flag } from './flag.js';

const group = 'Formation';

const quantities: ValueType<Readonly<Record<string, number>>> = { kind: 'string', placeholder: 'TYPE=N,…', parse: (value) => said(() => parseQuantities(value)) };

const sizes: ValueType<DynoSizes> = { kind: 'string', placeholder: 'TYPE=SIZE,…', completion: ['eco', 'standard-1x', 'standard-2x', 'performance-m', 'performance-l'], parse: (value) => said(() => parseSizes(value)) };

const oneSize: ValueType<DynoSizes> = {
  ...sizes,
  placeholder: 'SIZE',
  parse: (value, context) => {
    const parsed = sizes.parse(value, context);
    if (parsed.size === undefined || Object.keys(parsed.types).length > 0) throw new ValueError('expected one size, and no process type');
    return parsed;
  },
};

const address: ValueType<MetricsAddress> = { kind: 'string', placeholder: 'ADDRESS', completion: 'file', parse: (value) => said(() => parseMetricsAddress(value)) };

const procfile: ValueType<Procfile> = {
  kind: 'string',
  placeholder: 'FILE',
  completion: 'file',
  parse: (path, context) => said(() => parseProcfile(readUtf8(path, context), { source: path })),
};

const appJson: ValueType<AppManifest> = {
  kind: 'string',
  placeholder: 'FILE',
  completion: 'file',
  parse: (path, context) => said(() => parseAppJson(readUtf8(path, context), { source: path })),
};

const dotEnv: ValueType<Readonly<Record<string, string>>> = {
  kind: 'string',
  placeholder: 'FILE',
  completion: 'file',
  parse: (path, context) => said(() => parseDotEnv(readUtf8(path, context), { source: path })),
};

const published: ValueType<PublishOptions> = { kind: 'string', placeholder: '[ADDRESS:][PORT:]INNERPORT', parse: (value) => said(() => parsePublish(value)) };

const policies = Object.keys(restartPolicies).filter((name): name is RestartPolicyName => Object.hasOwn(restartPolicies, name));

/** What the API has to say of a value, as that of a flag. */
function said<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw TsrunError.is(error) ? new ValueError(error.message, error.hint) : error;
  }
}

const appName = matching('NAME', /^\w[\w.-]{0,49}$/, 'up to 50 letters, digits, "_", "." and "-", the first one neither "." nor "-"');

export const formationFlags: readonly Flag[] = [
  flag(appName, {
    name: 'name',
    help: 'name of the app, in front of the names of its containers',
    group,
    default: 'app-NNNNN',
    example: 'my-app',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.appName = value),
  }),
  flag(toggle, {
    name: 'detach',
    short: 'd',
    help: 'run in the background, whatever becomes of this shell, and print the name',
    group,
    commands: ['up'],
    apply: (draft, value) => (draft.flags.detach = value),
  }),
  flag(appName, {
    name: 'app',
    short: 'a',
    help: 'the app, of those in the background',
    group,
    default: 'the only one',
    example: 'my-app',
    commands: ['logs', 'stop', 'scale', 'restart', 'agent'],
    apply: (draft, value) => (draft.flags.appName = value),
  }),
  flag(appName, {
    name: 'app',
    short: 'a',
    help: 'of this app, of those in the background, and no image: a one-off dyno',
    group,
    example: 'my-app',
    commands: ['run', 'attach'],
    apply: (draft, value) => (draft.flags.appName = value),
  }),
  flag(appName, {
    name: 'app',
    help: 'list the dynos of this app, of those in the background',
    group,
    example: 'my-app',
    commands: ['ps'],
    apply: (draft, value) => (draft.flags.appName = value),
  }),
  flag(appName, {
    name: 'app',
    short: 'a',
    help: 'the dynos of this app alone, of those in the background',
    group,
    default: 'all containers and dynos',
    example: 'my-app',
    commands: ['top'],
    apply: (draft, value) => (draft.flags.appName = value),
  }),
  flag(matching('DYNO', /^[\w-]{1,63}(?:\.\d{1,4})?$/, 'a dyno such as web.1, or a process type such as web'), {
    name: 'dyno',
    short: 'd',
    help: 'only what this dyno of the app, or those of this process type, have printed',
    group,
    default: 'all',
    example: 'web.1',
    commands: ['logs'],
    apply: (draft, value) => (draft.flags.dyno = value),
  }),
  flag(quantities, {
    name: 'formation',
    help: 'how many dynos of each process type',
    group,
    default: 'one web, none of the others',
    example: 'web=2,worker=1',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.quantities = value),
  }),
  flag(procfile, {
    name: 'procfile',
    short: 'f',
    help: 'take the commands of process types from this file, over those of the image',
    group,
    default: 'what the image lists; for web, its own program',
    example: './Procfile',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.procfile = value),
  }),
  flag(appJson, {
    name: 'app-json',
    help: "go by this app.json: its config vars, its numbers of dynos, its health checks, and its postdeploy script",
    group,
    example: './app.json',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.appManifest = value),
  }),
  flag(listOf(dotEnv), {
    name: 'dotenv',
    help: "read config vars from a .env file in foreman's form, with quotes, escapes and comments",
    group,
    example: './.env',
    commands: ['up'],
    apply: (draft, value) => (draft.fileEnv = { ...draft.fileEnv, ...value }),
  }),
  flag(pairsOf(variable), {
    name: 'platform-env',
    help: "tell each dyno this in the platform's name, below its config vars: names of those must not begin with HEROKU_",
    group,
    example: 'HEROKU_APP_NAME=my-app',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.platformEnv = { ...draft.flags.platformEnv, ...value }),
  }),
  flag(integer({ min: 1, max: 65_535 }), {
    name: 'port',
    help: "what web finds in PORT, to listen on in each dyno's own network",
    group,
    default: '5000',
    example: '8080',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.port = value),
  }),
  flag(listOf(published), {
    name: 'publish',
    short: 'p',
    help: "take connections on this port of the host, for the port of web's dynos; without an address on 127.0.0.1, without PORT on one that is free",
    group,
    example: '8080:5000',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.publish = [...(draft.flags.publish ?? []), value]),
  }),
  flag(toggle, {
    name: 'preboot',
    help: 'have the new web dyno up before the old one is asked to end, when it is replaced',
    group,
    commands: ['up'],
    apply: (draft, value) => (draft.flags.preboot = value),
  }),
  flag(someTime, {
    name: 'idle',
    help: 'end the web dynos after so long without a published connection; the next one starts them, and waits',
    group,
    default: 'never',
    example: '1800',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.idleMs = value),
  }),
  flag(oneOf('POLICY', policies), {
    name: 'restart',
    help: 'when dynos that have ended are started again, as which platform does',
    group,
    default: 'heroku',
    example: 'docker',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.restart = value),
  }),
  flag(sizes, {
    name: 'size',
    help: 'how large dynos may become: by a name of Heroku\'s or an amount of memory, and + an amount of disk, of a process type or of all others',
    group,
    default: 'the limits below alone',
    example: 'web=standard-1x,512m',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.sizes = value),
  }),
  flag(oneSize, {
    name: 'size',
    help: "how large the one-off dyno of --app may become: by a name of Heroku's or an amount of memory",
    group,
    default: 'as the app says',
    example: 'standard-1x',
    commands: ['run'],
    apply: (draft, value) => (draft.flags.sizes = value),
  }),
  flag(oneOf('PROFILE', ['heroku-container']), {
    name: 'profile',
    help: "run the image by the rules of this platform: heroku-container is Heroku's for Docker images",
    group,
    example: 'heroku-container',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.profile = value),
  }),
  flag(toggle, {
    name: 'runtime-metrics',
    help: 'have what each dyno uses in the log, every 20 seconds',
    group,
    commands: ['up'],
    apply: (draft, value) => (draft.flags.runtimeMetrics = value),
  }),
  flag(toggle, {
    name: 'dyno-metadata',
    help: "tell each dyno its app and release, in Heroku's variables",
    group,
    commands: ['up'],
    apply: (draft, value) => (draft.flags.dynoMetadata = value),
  }),
  flag(address, {
    name: 'metrics',
    help: 'serve what dynos use as OpenMetrics at this loopback address or Unix socket, under /metrics',
    group,
    default: 'nowhere',
    example: '127.0.0.1:9394',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.metrics = value),
  }),
  flag(matching('USER[:GROUP]', /^[^\s:\0]+(:[^\s:\0]+)?$/, 'USER or USER:GROUP, each a name or a number'), {
    name: 'user',
    short: 'u',
    help: "run as this user; names come from the image's own passwd and group",
    group,
    default: 'what the image says, but 1000:1000 instead of root',
    example: '1000:1000',
    commands: ['up'],
    apply: (draft, value) => (draft.options.user = value),
  }),
  flag(oneOf('FORM', ['heroku', 'docker']), {
    name: 'log-lines',
    help: 'how long lines of dynos are cut: heroku after 10,000 bytes, docker after 16 KiB, with a mark in JSON, json-file and the journal',
    group,
    default: 'heroku',
    example: 'docker',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.logLines = value),
  }),
  flag(listOf(text('URL')), {
    name: 'drain',
    help: 'send the log there too: https://USER:PASSWORD@HOST/PATH, syslog://HOST:514, syslog+tls://HOST:6514, syslog+udp://HOST:514, file:///PATH?max=10m&keep=5 or journald:',
    group,
    example: 'file:///var/log/my-app.log',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.drains = [...(draft.flags.drains ?? []), value]),
  }),
  flag(toggle, {
    name: 'json',
    help: 'print each line of the log as JSON',
    group: 'Output',
    commands: ['up'],
    apply: (draft, value) => (draft.flags.json = value),
  }),
];
