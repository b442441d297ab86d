/** What a dyno is made with, and who may have what it prints in the place of the log. */
import type { Container } from '../container/container.js';
import type { SignalDelivery } from '../container/delivery.js';
import type { RunOptions } from '../container/options/options.js';
import type { Runtime } from '../container/runtime.js';
import type { Clock } from './clock.js';
import type { Death } from './death.js';
import type { DynoNews } from './events.js';
import type { HealthCheck } from './health/health-options.js';
import type { LineForm } from './log/framing.js';
import type { LogHub } from './log/hub.js';
import type { LogLine } from './log/line.js';
import type { RestartPolicy } from './restart-policy.js';
import type { DynoSize } from './sizes/sizes.js';
import type { DynoKeeper } from './survival/keeper.js';

export interface DynoSettings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly type: string;
  readonly number: number;
  readonly image: string;
  /** As the log shows it. */
  readonly command: string;
  /** All but the id, the streams and the reaper. */
  readonly options: RunOptions;
  readonly id: string;
  readonly policy: RestartPolicy;
  readonly delivery: SignalDelivery;
  readonly stopSignal: string;
  readonly graceMs: number;
  /** How often that signal is sent anew until it has ended; absent: it is sent once. */
  readonly repeatStopMs?: number;
  /** That it must listen on, and how soon; what it is known by where others of its type have others. */
  readonly port?: { readonly number: number; readonly bootTimeoutMs: number; readonly knownAs?: number };
  /** Its network is the host's, where others listen as well. */
  readonly sharesNetwork?: boolean;
  /** Those of `startup` stand in the place of the port; a port is where they ask. */
  readonly health?: { readonly checks: readonly HealthCheck[]; readonly port: number };
  readonly size?: DynoSize;
  /** Whether the log has its samples. */
  readonly metrics: boolean;
  readonly chance: () => number;
  /** It runs once, and any end of it is its completion. */
  readonly isOneOff?: boolean;
  /** Who has what it prints, in the place of the log. */
  readonly attendance?: Attendance;
  /** It outlives this process. */
  readonly keeper?: DynoKeeper;
  /** It finds in HEROKU_DYNO_ID which start of it this is. */
  readonly tellsInstance?: boolean;
  /** How lines of what it prints are cut; absent: as Heroku does. */
  readonly lineForm?: LineForm;
  readonly onLog: (line: LogLine) => void;
  /** How fast what it prints is read. */
  readonly pace: Pick<LogHub, 'turns' | 'room'>;
  readonly onEvent: (event: DynoNews) => void;
  /** Another one takes its place, in its day's stead. Absent: it is restarted. */
  readonly onCycle?: () => void;
}

/** A client of a dyno. */
export interface Attendance {
  /** Before there is a container; how it has ended where there shall be none. */
  readonly awaitClient: () => Promise<Death | undefined>;
  /** Resolves when nothing more is printed. */
  readonly attend: (container: Container) => Promise<void>;
}
