/** When a dyno that has ended is started again: a policy is data, and what comes of it a function of how often it has crashed. */
import { isForGood, type Death } from './death.js';

/** Every so often a dyno is restarted, however well it does. */
export interface Cycling {
  /** From its start on. */
  readonly everyMs: number;
  /** At most so much more, by chance, so that not all go at once. */
  readonly jitterMs: number;
}

/** See `restartPolicies` for those that are known by name. */
export interface RestartPolicy {
  /** After which ends: every one, those with another exit code than 0, or none. */
  readonly on: 'always' | 'failure' | 'never';
  /** How long to wait before the first restart, the second … of crashes in a row; after the last of them the wait doubles. At least one. */
  readonly delaysMs: readonly number[];
  /** The wait grows no further. */
  readonly mostDelayMs: number;
  /** A dyno that was up for so long starts counting anew; absent: it never does by itself. */
  readonly resetAfterMs?: number;
  /** After so many crashes in a row it stays down. Absent: it never gives up. */
  readonly mostCrashes?: number;
  /** Absent: a dyno may run for ever. */
  readonly cycling?: Cycling;
}

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/**
 * What platforms do. Heroku's numbers after the first restart were published once, in 2013; that a day without a crash is a new
 * beginning there is tsrun's choice. Fly says how often it tries, not how soon.
 */
export const restartPolicies = {
  /** `--restart always`: 100 ms, doubling to a minute; forgotten after ten seconds. */
  docker: { on: 'always', delaysMs: [100], mostDelayMs: minutes, resetAfterMs: 10 * seconds },
  /** At once, then 10, 20, 40 minutes, up to a day; and each dyno anew once a day, with up to 216 minutes more. */
  heroku: { on: 'always', delaysMs: [0, 10 * minutes], mostDelayMs: 24 * hours, resetAfterMs: 24 * hours, cycling: { everyMs: 24 * hours, jitterMs: 216 * minutes } },
  /** Cloud Foundry: three times at once, then 30 s doubling to 16 minutes, until the 200th crash. */
  diego: { on: 'always', delaysMs: [0, 0, 0, 30 * seconds], mostDelayMs: 16 * minutes, resetAfterMs: 5 * minutes, mostCrashes: 200 },
  /** `on-failure`: ten restarts within five minutes. */
  fly: { on: 'failure', delaysMs: [seconds], mostDelayMs: seconds, resetAfterMs: 5 * minutes, mostCrashes: 11 },
  /** What has ended stays so. */
  never: { on: 'never', delaysMs: [0], mostDelayMs: 0 },
} as const satisfies Readonly<Record<string, RestartPolicy>>;

/** A name of `restartPolicies`. */
export type RestartPolicyName = keyof typeof restartPolicies;

/** How long to wait, after so many crashes in a row; undefined: it is not started again. */
export function restartDelayMs({ on, delaysMs, mostDelayMs, mostCrashes = Infinity }: RestartPolicy, crashes: number, code: number): number | undefined {
  if (on === 'never' || (on === 'failure' && code === 0) || crashes >= mostCrashes) return undefined;
  const last = delaysMs.at(-1) ?? 0;
  const beyond = Math.max(0, crashes - delaysMs.length);
  return Math.min(mostDelayMs, delaysMs[crashes - 1] ?? last * 2 ** beyond);
}

/** What a crash leads to. */
export interface AfterCrash {
  /** In a row, with this one. */
  readonly crashes: number;
  /** How soon it is started again; undefined: it is not. */
  readonly delayMs: number | undefined;
  readonly state: 'crashed' | 'complete';
}

/** @param wasUpMs how long it was up, 0 for one that never was */
export function afterCrash(policy: RestartPolicy, before: number, wasUpMs: number, death: Death): AfterCrash {
  const { on, resetAfterMs = Infinity } = policy;
  const crashes = (wasUpMs >= resetAfterMs ? 0 : before) + 1;
  const delayMs = isForGood(death) ? undefined : restartDelayMs(policy, crashes, death.code);
  return { crashes, delayMs, state: on !== 'always' && death.code === 0 ? 'complete' : 'crashed' };
}

/** When a dyno that starts now is cycled, counted from now; undefined: never. `chance`: 0 to 1. */
export function cycleDelayMs({ cycling }: RestartPolicy, chance: number): number | undefined {
  return cycling === undefined ? undefined : cycling.everyMs + chance * cycling.jitterMs;
}
