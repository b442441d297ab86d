/** How a dyno is asked whether it is well: what a caller may say of it, and the check of that. */
import { nonEmpty } from '../../spec/schema-common.js';
import { anyOf, array, integer, oneOf, optional, record, strictObject, tagged, text } from '../../spec/shape.js';

/** What a health check does. A port is that of the dyno's own network; default its `PORT`, which only `web` has. */
export type HealthProbe =
  /** Something takes a connection. */
  | { readonly type: 'tcp'; readonly port?: number }
  /** A GET of `path` (default `/`) is answered with a status from 200 to 399, and, where that is said, with this in its first 64 KiB. */
  | { readonly type: 'http'; readonly port?: number; readonly path?: string; readonly contains?: string; readonly headers?: Readonly<Record<string, string>> }
  /** A program in the dyno, or a line for its shell, ends with exit code 0. */
  | { readonly type: 'exec'; readonly command: string | readonly string[] }
  /** It still runs: with `initialDelayMs`, for so long. */
  | { readonly type: 'alive' };

/** What a check decides: whether a dyno is up, whether it shall have connections, whether it shall go on. */
export type HealthPurpose = 'startup' | 'readiness' | 'liveness';

/** What becomes of a dyno that fails its check: it is ended and started again by its restart policy; the log tells of it; nothing. */
export type HealthAction = 'restart' | 'report' | 'none';

/** One way to ask a dyno whether it is well. Checks of `startup` begin when its program runs, the others when it is up. */
export interface HealthCheck {
  /** As the log has it. Default: what it does. */
  readonly name?: string;
  /** What it decides. A dyno with checks of `startup` is up when all of them have passed, whatever listens. */
  readonly purpose: HealthPurpose;
  /** What is done. */
  readonly probe: HealthProbe;
  /** Milliseconds before the first time. Default 0. */
  readonly initialDelayMs?: number;
  /** Milliseconds from an answer to the next time. Default 1000 for `startup`, else 10,000. */
  readonly intervalMs?: number;
  /** Milliseconds for an answer. Default 5000. */
  readonly timeoutMs?: number;
  /** So many failures in a row are one too many. Default 60 for `startup`, else 3. */
  readonly retries?: number;
  /** Milliseconds at the beginning in which failures do not count, until it has passed once. Default 0. */
  readonly startPeriodMs?: number;
  /** Milliseconds between two times in that period. Default: as `intervalMs`. */
  readonly startIntervalMs?: number;
  /** When it fails. Default `restart`, and `report` for `readiness`. */
  readonly action?: HealthAction;
}

/** The checks of a process type; `image`: what the image's own HEALTHCHECK says, by docker's rules, which only reports. */
export type HealthChoice = 'image' | readonly HealthCheck[];

const port = optional(integer(1, 65_535));
const duration = optional(integer(0, 2 ** 31 - 1));
/** Of at least a millisecond: what waits for none would leave no time for anything else. */
const wait = optional(integer(1, 2 ** 31 - 1));

const probe = tagged('type', {
  tcp: strictObject<Extract<HealthProbe, { type: 'tcp' }>>({ type: oneOf('a kind', ['tcp']), port }),
  http: strictObject<Extract<HealthProbe, { type: 'http' }>>({
    type: oneOf('a kind', ['http']),
    port,
    path: optional(text('a path that starts with "/"', /^\/[\x21-\x7e]*$/)),
    contains: optional(nonEmpty),
    headers: optional(record(text('a value on one line', /^[\t\x20-\x7e]*$/), text('the name of a header', /^[\w!#$%&'*+.^`|~-]+$/))),
  }),
  exec: strictObject<Extract<HealthProbe, { type: 'exec' }>>({ type: oneOf('a kind', ['exec']), command: anyOf(nonEmpty, array(text(), 1)) }),
  alive: strictObject<Extract<HealthProbe, { type: 'alive' }>>({ type: oneOf('a kind', ['alive']) }),
});

const check = strictObject<HealthCheck>({
  name: optional(text('a name on one line', /^[^\0-\x1f\x7f]{1,100}$/)),
  purpose: oneOf('a purpose', ['startup', 'readiness', 'liveness']),
  probe,
  initialDelayMs: duration,
  intervalMs: wait,
  timeoutMs: wait,
  retries: optional(integer(1, 1_000_000)),
  startPeriodMs: duration,
  startIntervalMs: wait,
  action: optional(oneOf('an action', ['restart', 'report', 'none'])),
});

export const healthShape = anyOf(oneOf('the checks', ['image']), array(check, 0, 100));
