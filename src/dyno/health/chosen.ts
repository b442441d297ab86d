/** The checks that the dynos of a process type have. */
import type { Healthcheck } from '../../image/documents.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { HealthCheck, HealthChoice } from './health-options.js';

/** As a dyno has them; nothing where nothing is said. @throws as `chosenHealth` */
export function healthOf({ health }: { readonly health?: HealthChoice } = {}, type: string, image: Healthcheck | undefined, port: number): { readonly health?: { readonly checks: readonly HealthCheck[]; readonly port: number } } {
  return health === undefined ? {} : { health: { checks: chosenHealth(health, { type, image }), port } };
}

const docker = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5000, retries: 3 } as const;

/**
 * @param image what the image's own HEALTHCHECK says
 * @throws ERR_TSRUN_INVALID_ARGUMENT where the image has none, and where a probe has no port
 */
export function chosenHealth(choice: HealthChoice, { type, image }: { readonly type: string; readonly image: Healthcheck | undefined }): readonly HealthCheck[] {
  const field = `/processTypes/${type}/health`;
  if (choice === 'image') {
    const check = image === undefined ? undefined : dockerHealth(image);
    if (check === undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${field}: the image has no HEALTHCHECK`, { field, hint: 'say what is to be checked, or leave it out' });
    return [check];
  }
  for (const [index, { probe }] of choice.entries()) {
    if (type === 'web' || (probe.type !== 'tcp' && probe.type !== 'http') || probe.port !== undefined) continue;
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${field}/${index}/probe/port: only web has a port of its own, found none for ${show(type)}`, { field: `${field}/${index}/probe/port`, hint: 'name the port' });
  }
  return choice;
}

/** As docker has it: asked first after an interval, and nothing is done about it. Undefined where it says that there is to be none. */
export function dockerHealth({ Test: [kind, ...words] = [], Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0, Retries = 0 }: Healthcheck): HealthCheck | undefined {
  const command = kind === 'CMD' ? words : kind === 'CMD-SHELL' ? words.join(' ') : '';
  if (command.length === 0) return undefined;
  const intervalMs = milliseconds(Interval) ?? docker.intervalMs;
  const startIntervalMs = milliseconds(StartInterval) ?? docker.startIntervalMs;
  const startPeriodMs = milliseconds(StartPeriod) ?? 0;
  return {
    name: 'HEALTHCHECK',
    purpose: 'liveness',
    probe: { type: 'exec', command },
    initialDelayMs: startPeriodMs > 0 ? startIntervalMs : intervalMs,
    intervalMs, startPeriodMs, startIntervalMs,
    timeoutMs: milliseconds(Timeout) ?? docker.timeoutMs,
    retries: Retries === 0 ? docker.retries : Retries,
    action: 'report',
  };
}

/** Docker's smallest is one millisecond; a timer of Node has 31 bits. */
function milliseconds(ns: number): number | undefined {
  return ns === 0 ? undefined : Math.min(2 ** 31 - 1, Math.max(1, Math.round(ns / 1e6)));
}
