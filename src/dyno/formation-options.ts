/** What a formation may be asked for, and the check of it. */
import type { SignalDelivery } from '../container/delivery.js';
import { delivery, env, grace, signalName } from '../container/options/option-shapes.js';
import type { RunOptions } from '../container/options/options.js';
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import { nonEmpty } from '../spec/schema-common.js';
import { anyOf, array, assertShape, boolean, callback, integer, number, oneOf, optional, record, strictObject, text, type Shape } from '../spec/shape.js';
import { systemClock, type Clock } from './clock.js';
import { drainChoice, type DrainChoice } from './drains/drain-options.js';
import type { LineForm } from './log/framing.js';
import { metricsAddress, type MetricsAddress } from './metrics/serve-metrics.js';
import type { ImageOptions } from './program.js';
import type { DynoProfile } from './profile.js';
import { healthShape, type HealthChoice } from './health/health-options.js';
import { releaseShape, type ReleaseOptions } from './one-off/release.js';
import { restartPolicies, type Cycling, type RestartPolicy, type RestartPolicyName } from './restart-policy.js';
import { publishShape, servingFields, type PublishOptions, type ServingOptions } from './serving/options.js';
import { sizeShape, type DynoSize, type DynoSizeName } from './sizes/sizes.js';

/** What a formation itself decides about the containers of its dynos. */
const decided = [
  'id', 'process', 'command', 'entrypoint', 'env', 'terminal', 'stdin', 'stdout', 'stderr', 'namespaces', 'init', 'stopSignal', 'stopTimeoutMs', 'timeoutMs', 'survive',
  'autoRemove', 'log', 'timings', 'signal',
] as const satisfies readonly (keyof RunOptions)[];

/** What else a container may be asked for: limits, mounts, user, walls, and which `network` each dyno has: one of its own, or the host's. */
export type DynoContainerOptions = Omit<RunOptions, (typeof decided)[number]>;

/** How the dynos of one process type are run. */
export interface ProcessTypeOptions extends ServingOptions {
  /** A line for the shell. Default: what the image lists under this name; for `web`, the image's own program. */
  readonly command?: string;
  /** Who hears the stop signal. Default: the formation's. */
  readonly delivery?: SignalDelivery;
  /** Default: the formation's. */
  readonly stopSignal?: string;
  /** Milliseconds from that signal to SIGKILL. Default: the formation's. */
  readonly graceMs?: number;
  /** Milliseconds after which the stop signal is sent anew, until it has ended: Heroku may send it more than once. At least 100. Default: it is sent once. */
  readonly repeatStopMs?: number;
  /** How soon `web` must listen on its port, in milliseconds. Default 60,000. */
  readonly bootTimeoutMs?: number;
  /** How it is asked whether it is well. Default: it is not, and what an image says does not count, as on Heroku. */
  readonly health?: HealthChoice;
  /** Default: the formation's. */
  readonly restart?: RestartPolicyName | RestartPolicy;
  /** Default: the formation's. */
  readonly size?: DynoSizeName | DynoSize;
}

/** What `Formation.start` may be asked for. Unknown names are refused. */
export interface FormationOptions {
  /** Before the names of its containers: `my-app.web.1`. Default `app-NNNNN`. */
  readonly name?: string;
  /** How many dynos of each type, at most 1000. Default: one `web`, and none of the others. */
  readonly quantities?: Readonly<Record<string, number>>;
  /** What is to be said of process types; those that are not named are as the image has them. */
  readonly processTypes?: Readonly<Record<string, ProcessTypeOptions>>;
  /**
   * Config vars, over the image's own environment. `DYNO` is the dyno's name whatever they say. As on Heroku names are letters, digits and "_", and begin neither
   * with "__" nor with "HEROKU_"; all names and values together have 64 KiB at most.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** What the platform tells each dyno, below its config vars: over `metadata`, with names that are its own (`HEROKU_…`), and of any size. */
  readonly platformEnv?: Readonly<Record<string, string>>;
  /**
   * That `web` is to listen on, each dyno in a network of its own: its `PORT`, unless that is among the config vars. Default 5000. With the network `host` it is
   * that of `web.1`, and each further dyno has the next one.
   */
  readonly port?: number;
  /** `false`: the process type `release` is not run. Default: once, before any dyno is started, where there is one. */
  readonly release?: boolean | ReleaseOptions;
  /** Who hears the stop signal of a dyno. Default `all`, as on Heroku. */
  readonly delivery?: SignalDelivery;
  /** What a dyno is asked to end with. Default `SIGTERM`; what an image says does not count, as on Heroku. */
  readonly stopSignal?: string;
  /** Milliseconds from that signal to SIGKILL. Default 30,000. */
  readonly graceMs?: number;
  /**
   * When dynos that have ended are started again. Default `heroku`.
   */
  readonly restart?: RestartPolicyName | RestartPolicy;
  /**
   * What each dyno may use: a name such as `standard-1x`, or a size of one's own. It goes before the limits in `container`. Default: these
   * alone, and nobody measures.
   */
  readonly size?: DynoSizeName | DynoSize;
  /**
   * Whose rules the image is run by, so that what works here works there: `heroku-container` is Heroku's for Docker images. A random user without a name
   * in the place of USER; no VOLUME, STOPSIGNAL, EXPOSE and HEALTHCHECK; CMD, which web must have, as one line for ENTRYPOINT or for `/bin/sh -l -c`; and
   * nothing in `container` that nobody could ask Heroku for. Default: none.
   */
  readonly profile?: DynoProfile;
  /**
   * Whether programs find the size where they look for it: /proc/meminfo, cgroup v1's memory.limit_in_bytes, and of a size with `cpus`
   * /proc/cpuinfo and `nproc`. Default true; without a size there is nothing to find.
   */
  readonly showSize?: boolean;
  /**
   * Whether each dyno is told its app, its release and itself, as Heroku's lab `runtime-dyno-metadata` tells it: HEROKU_APP_ID, HEROKU_APP_NAME,
   * HEROKU_DYNO_ID, HEROKU_RELEASE_CREATED_AT and HEROKU_RELEASE_VERSION, and of an image with the label `org.opencontainers.image.revision`
   * HEROKU_BUILD_COMMIT, HEROKU_SLUG_COMMIT and HEROKU_SLUG_DESCRIPTION. What `platformEnv` says of these goes before. Default false.
   */
  readonly metadata?: boolean;
  /** Whether the log has what each dyno uses, every 20 seconds, as Heroku's has with `log-runtime-metrics`. Default false. */
  readonly metrics?: boolean;
  /** Where it answers with what `Formation.metrics` says, as `serveMetrics` does, as long as a process owns it. Default nowhere. */
  readonly serveMetrics?: MetricsAddress;
  /** Ports of this host that it takes connections on as long as it runs: see `Formation.listen`. */
  readonly publish?: readonly PublishOptions[];
  /** Limits, mounts, user, walls of each dyno. Default: no capabilities, and uid 1000 where the image says root or nothing. */
  readonly container?: DynoContainerOptions;
  /**
   * How long lines are cut that dynos print: `heroku`, after 10,000 bytes, into lines like all others; `docker`, after 16 KiB, each part marked as docker's
   * log drivers do (`LogLine.partial`), and each line with its stream. Default `heroku`.
   */
  readonly logLines?: LineForm;
  /** Where the log goes beside its readers: URLs, or functions that take lines. */
  readonly drains?: readonly DrainChoice[];
  /** Default: this machine's. */
  readonly clock?: Clock;
  /**
   * Its dynos live on when this process ends, however it does, and another one takes them over (`Formation.adopt`). Options must be plain
   * data then, but for functions. Default false.
   */
  readonly survive?: boolean;
}

/** What is to be otherwise than a formation was started with; functions and the clock, which nobody has written down, are to be given again. */
export type AdoptOptions = Omit<FormationOptions, 'name' | 'quantities' | 'survive'>;

const names = Object.keys(restartPolicies).filter((name): name is RestartPolicyName => Object.hasOwn(restartPolicies, name));
const duration = integer(0, 2 ** 31 - 1);
const restart: Shape<RestartPolicyName | RestartPolicy> = anyOf(
  oneOf('a restart policy', names),
  strictObject<RestartPolicy>({
    on: oneOf('a condition', ['always', 'failure', 'never']),
    delaysMs: array(duration, 1),
    mostDelayMs: duration,
    resetAfterMs: optional(number(0, Number.MAX_SAFE_INTEGER)),
    mostCrashes: optional(integer(1, Number.MAX_SAFE_INTEGER)),
    cycling: optional(strictObject<Cycling>({ everyMs: integer(1, 2 ** 30), jitterMs: integer(0, 2 ** 30) })),
  }),
);

const typeName = text('a process type of 1 to 63 letters, digits, "-" and "_"', /^[\w-]{1,63}$/);
const processType = strictObject<ProcessTypeOptions>({
  command: optional(nonEmpty),
  delivery: optional(delivery),
  stopSignal: optional(signalName),
  graceMs: optional(grace),
  repeatStopMs: optional(integer(100, 2 ** 31 - 1)),
  bootTimeoutMs: optional(duration),
  health: optional(healthShape),
  restart: optional(restart),
  size: optional(sizeShape),
  ...servingFields,
});
const quantities = record(integer(0, 1000), typeName);

const formation = strictObject<FormationOptions>({
  name: optional(text('1 to 50 letters, digits, "_", "." and "-", the first one neither "." nor "-"', /^\w[\w.-]{0,49}$/)),
  quantities: optional(quantities),
  processTypes: optional(record(processType, typeName)),
  env: optional(env),
  platformEnv: optional(env),
  port: optional(integer(1, 65_535)),
  release: optional(releaseShape),
  delivery: optional(delivery),
  stopSignal: optional(signalName),
  graceMs: optional(grace),
  restart: optional(restart),
  size: optional(sizeShape),
  profile: optional(oneOf('a profile', ['heroku-container'])),
  showSize: optional(boolean),
  metadata: optional(boolean),
  metrics: optional(boolean),
  serveMetrics: optional(metricsAddress),
  publish: optional(array(publishShape)),
  container: optional({ expects: 'an object', check: checkContainer }),
  logLines: optional(oneOf('a form of lines', ['heroku', 'docker'])),
  drains: optional(array(drainChoice, 0, 100)),
  clock: optional(strictObject<Clock>({ now: callback<Clock['now']>(), after: callback<Clock['after']>() })),
  survive: optional(boolean),
});

const dynoNetwork = oneOf('a network of dynos', ['none', 'user', 'bridge', 'host']);

/** All else is checked where containers are made. */
function checkContainer(...[value, at, faults]: Parameters<Shape<DynoContainerOptions>['check']>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.expected(at, 'an object', value);
    return;
  }
  for (const name of decided) if (Object.hasOwn(value, name)) faults.add(`${at}/${name}`, 'a formation decides that itself', 'leave it out');
  if ('network' in value && value.network !== undefined) dynoNetwork.check(value.network, `${at}/network`, faults);
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateFormationOptions(value: FormationOptions): void {
  assertShape(formation, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  const port = value.env?.['PORT'] ?? '1';
  if (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option /env/PORT: expected the number of a port, found ${show(port)}`, { field: '/env/PORT', hint: 'web is to listen there' });
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateDrain(value: DrainChoice): void {
  assertShape(strictObject<{ readonly drain: DrainChoice }>({ drain: drainChoice }), { drain: value }, 'ERR_TSRUN_INVALID_ARGUMENT', 'argument');
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateQuantities(value: Readonly<Record<string, number>>): void {
  assertShape(strictObject<{ readonly quantities: Readonly<Record<string, number>> }>({ quantities }), { quantities: value }, 'ERR_TSRUN_INVALID_ARGUMENT', 'argument');
}

export function policyOf(choice: RestartPolicyName | RestartPolicy): RestartPolicy {
  return typeof choice === 'string' ? restartPolicies[choice] : choice;
}

export const formationDefaults = { port: 5000, restart: 'heroku', graceMs: 30_000, bootTimeoutMs: 60_000, delivery: 'all', stopSignal: 'SIGTERM', clock: systemClock } as const;

/** Of the container options: which image, and how it is got. */
export function imageOptions({ stack, pull, platform, checksum, tlsVerify, authFile, imageLimits, onImageProgress }: DynoContainerOptions = {}): ImageOptions {
  return {
    ...(stack !== undefined && { stack }), ...(pull !== undefined && { pull }), ...(platform !== undefined && { platform }), ...(checksum !== undefined && { checksum }),
    ...(tlsVerify !== undefined && { tlsVerify }), ...(authFile !== undefined && { authFile }), ...(imageLimits !== undefined && { imageLimits }), ...(onImageProgress !== undefined && { onImageProgress }),
  };
}
