/** Where a dyno is in its life, as a value that can be written down and read again. */
import { boolean, integer, number, oneOf, optional, strictObject, text, type Shape } from '../spec/shape.js';
import type { Doing } from './death.js';

/** As Heroku's platform API has them. `idle`: ended until the next connection wakes it. `complete`: ended, and no policy wants it back. */
export type DynoState = 'provisioning' | 'starting' | 'up' | 'idle' | 'crashed' | 'down' | 'complete';

/** What another process must know to go on with a life. Times are milliseconds since 1970. */
export interface LifeRecord {
  readonly state: DynoState;
  readonly sinceMs: number;
  readonly doing: Doing;
  readonly alive: boolean;
  readonly isLaunched: boolean;
  readonly then: 'policy' | 'nothing' | 'again';
  readonly crashes: number;
  /** Of its program, the first one too; absent where an earlier version did not count. */
  readonly starts?: number;
  /** What was started last, as a UUID: on Heroku a dyno that is started again is another dyno. Absent before the first start, and in what earlier versions wrote. */
  readonly instance?: string;
  readonly upSinceMs: number;
  /** It was ended for want of connections, and the next one wakes it. */
  readonly isAsleep?: boolean;
  readonly nextRestartAtMs?: number;
  /** When it is cycled. */
  readonly cycleAtMs?: number;
  /** When its time to listen, or to end, is over. */
  readonly deadlineMs?: number;
}

const time = number(0, Number.MAX_SAFE_INTEGER);

export const lifeRecord: Shape<LifeRecord> = strictObject<LifeRecord>({
  state: oneOf('a state', ['provisioning', 'starting', 'up', 'idle', 'crashed', 'down', 'complete']),
  sinceMs: time,
  doing: oneOf('what is done', ['nothing', 'stopping', 'stopping-unhealthy', 'killing-late', 'killing-unbound', 'killing-over-quota']),
  alive: boolean,
  isLaunched: boolean,
  then: oneOf('what is next', ['policy', 'nothing', 'again']),
  crashes: integer(0, Number.MAX_SAFE_INTEGER),
  starts: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  instance: optional(text()),
  upSinceMs: time,
  isAsleep: optional(boolean),
  nextRestartAtMs: optional(time),
  cycleAtMs: optional(time),
  deadlineMs: optional(time),
});
