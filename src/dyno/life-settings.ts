/** What a life goes by, and what can be done to a dyno. */
import type { Clock } from './clock.js';
import type { DynoState } from './life-record.js';
import type { RestartPolicy } from './restart-policy.js';

/** What a connection can hope for: to be taken now, to be taken by who waits a little, or neither. */
export type Prospect = 'serves' | 'comes' | 'none';

/** What is done to a dyno. Answers come as calls of `launched`, `bound` and `ended`. */
export interface LifecycleActions {
  readonly launch: () => void;
  /** The stop signal. */
  readonly terminate: () => void;
  /** SIGKILL to all of it. */
  readonly kill: () => void;
  /** Its time to listen is over: the log is to say what it listens on instead. */
  readonly tellBadBind: () => void;
  /** A line of the platform's. */
  readonly log: (message: string) => void;
  readonly changed: (from: DynoState, to: DynoState) => void;
  /** Something of `record` is another now: told before what follows from it is done. */
  readonly remember?: () => void;
  /** Its day is over: it is replaced. Absent: it is restarted. */
  readonly replace?: () => void;
}

export interface LifecycleSettings {
  readonly clock: Clock;
  readonly policy: RestartPolicy;
  /** As the log shows it. */
  readonly command: string;
  /** Name of the signal that asks it to end. */
  readonly stopSignal: string;
  /** From that signal to SIGKILL. */
  readonly graceMs: number;
  /** How soon it must listen on its port; absent: it is up when its program runs. */
  readonly bootTimeoutMs?: number;
  /** Without a boot timeout: it is up when `bound` is called all the same. */
  readonly isUpWhenTold?: boolean;
  /** 0 to 1, for the jitter of cycling. */
  readonly chance: () => number;
  /** It runs once: any end is its completion, and nothing brings it back. */
  readonly isOneOff?: boolean;
}
