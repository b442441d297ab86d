/** The load of a dyno as Heroku counts it (Dev Center, "log-runtime-metrics"): tasks that run or would, without those that wait for a disk. */

/** Over one, five and fifteen minutes. */
export interface Load {
  /** Tasks on average, the last minute. */
  readonly load1: number;
  /** The last five minutes. */
  readonly load5: number;
  /** The last fifteen minutes. */
  readonly load15: number;
}

const periodsMs = { load1: 60_000, load5: 300_000, load15: 900_000 } as const;

/** After so many milliseconds in which `tasks` could run: `e = exp(-dt/period)`, `load = (1-e)*n + e*load`. */
export function nextLoad(last: Load, tasks: number, passedMs: number): Load {
  const next = (period: keyof Load): number => {
    const kept = Math.exp(-passedMs / periodsMs[period]);
    return (1 - kept) * tasks + kept * last[period];
  };
  return { load1: next('load1'), load5: next('load5'), load15: next('load15') };
}

export const noLoad: Load = { load1: 0, load5: 0, load15: 0 };
