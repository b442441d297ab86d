/** What becomes of dynos, as typed events. */
import type { Death } from './death.js';
import type { HealthChange } from './health/health.js';
import type { DynoState } from './lifecycle.js';

/** What `Formation.events` tells; `dyno` is its name, `timeMs` milliseconds since 1970. */
export type DynoEvent =
  | { readonly type: 'state'; readonly dyno: string; readonly timeMs: number; readonly from: DynoState; readonly to: DynoState }
  /** Its program has ended, or could not be started; what becomes of it then is a change of state. */
  | { readonly type: 'ended'; readonly dyno: string; readonly timeMs: number; readonly death: Death }
  /** One of its health checks has passed or failed, other than before. */
  | ({ readonly type: 'health'; readonly dyno: string; readonly timeMs: number } & HealthChange);
