/** What becomes of dynos, as typed events. */
import type { ContainerEvent } from '../container/events.js';
import type { TsrunError } from '../spec/errors.js';
import type { Death } from './death.js';
import type { DrainState } from './drains/drain-state.js';
import type { HealthChange } from './health/health.js';
import type { DynoState } from './life-record.js';
import type { BadBind } from './listeners.js';
import type { DynoSample } from './metrics/sample.js';
import type { QuotaCode } from './sizes/quota.js';

/** A limit was reached, or is near: as its container tells it. */
export type LimitEvent = Exclude<ContainerEvent, { readonly type: 'started' | 'exited' }>;

/** What dynos and drains tell of themselves. */
export type DynoNews =
  | { readonly type: 'state'; readonly dyno: string; readonly timeMs: number; readonly from: DynoState; readonly to: DynoState }
  /** Its program has ended, or could not be started; what becomes of it then is a change of state. */
  | { readonly type: 'ended'; readonly dyno: string; readonly timeMs: number; readonly death: Death }
  /** While it is starting it listens elsewhere than on its `PORT` (`wantedPort`), or there on the loopback address alone (R11). It may still come up. */
  | ({ readonly type: 'bad-bind'; readonly dyno: string; readonly timeMs: number; readonly code: 'R11' } & BadBind)
  /** One of its health checks has passed or failed, other than before. */
  | ({ readonly type: 'health'; readonly dyno: string; readonly timeMs: number } & HealthChange)
  /** Each 20 seconds, of dynos that have a size, or with `metrics`. */
  | { readonly type: 'sample'; readonly dyno: string; readonly timeMs: number; readonly sample: DynoSample }
  /** It uses more memory than its quota (R14), or so much more that it is killed (R15). */
  | { readonly type: 'quota'; readonly dyno: string; readonly timeMs: number; readonly code: QuotaCode; readonly usedBytes: number; readonly quotaBytes: number }
  /**
   * `drain` is its name. It has begun to fail, has lost so many lines, which were refused or tried in vain for too long, or delivers again.
   * `error` says why it fails.
   */
  | { readonly type: 'drain'; readonly dyno: 'logplex'; readonly timeMs: number; readonly drain: string; readonly state: DrainState; readonly lost: number; readonly error?: TsrunError }
  /** A limit was reached: also by a child, while the program lives on. */
  | (LimitEvent & { readonly dyno: string; readonly timeMs: number });

/**
 * What `Formation.events` tells; `dyno` is its name, `timeMs` milliseconds since 1970. `sequence` counts the events of a formation from 1, also over
 * those who own it one after the other; a `sample`, which does not come again, has that of the event before it.
 */
export type DynoEvent = (DynoNews | MissedEvents) & { readonly sequence: number };

/** Of those that were asked for, so many are not kept any more. */
export interface MissedEvents {
  /** Of the kind of event that stands for several. */
  readonly type: 'missed';
  /** None. */
  readonly dyno: '';
  /** Of the first event that is left. */
  readonly timeMs: number;
  /** How many are not told any more. */
  readonly events: number;
}
