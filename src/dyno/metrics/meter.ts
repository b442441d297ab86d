/** Samples a dyno every 20 seconds: lines of the log, events, and the end of who uses far too much. It knows a clock and a source of readings. */
import type { ContainerStats } from '../../cgroup/stats.js';
import type { Clock } from '../clock.js';
import { overQuota, quotaLines, type QuotaCode } from '../sizes/quota.js';
import type { DynoSize } from '../sizes/sizes.js';
import { nextLoad, noLoad } from './load-average.js';
import { memoryUse, sampleLines, type DynoSample } from './sample.js';

/** As Heroku has it (Dev Center, "log-runtime-metrics"). */
export const sampleEveryMs = 20_000;

export interface Reading {
  readonly stats: ContainerStats;
  /** Tasks that run or would if there were a processor. */
  readonly runnable: number;
}

export interface MeterSettings {
  readonly clock: Clock;
  /** `web.1` */
  readonly name: string;
  /** Of this start of it, as its lines say it. */
  readonly id: string;
  /** Whether each sample is a line of the log, too. */
  readonly isLogged: boolean;
  readonly size?: DynoSize;
}

export interface MeterActions {
  readonly log: (message: string) => void;
  readonly sampled: (sample: DynoSample) => void;
  readonly exceeded: (code: QuotaCode, usedBytes: number, quotaBytes: number) => void;
}

/**
 * @param read undefined when there is nothing to be read any more
 * @returns ends it
 */
export function startMeter({ clock, name, id, isLogged, size }: MeterSettings, read: () => Promise<Reading | undefined>, { log, sampled, exceeded }: MeterActions): () => void {
  let isEnded = false;
  let load = noLoad;
  let lastMs = clock.now();
  let cancel = (): void => undefined;

  const take = ({ stats, runnable }: Reading): void => {
    const timeMs = clock.now();
    load = nextLoad(load, runnable, timeMs - lastMs);
    lastMs = timeMs;
    const sample = { ...load, ...(stats.memory !== undefined && { memory: memoryUse(stats.memory) }), ...(size !== undefined && { quotaBytes: size.memoryBytes }) };
    if (isLogged) for (const line of sampleLines(name, id, sample)) log(line);
    sampled(sample);
    if (sample.memory !== undefined && size !== undefined) judge(sample.memory.totalBytes, overQuota(sample.memory, size), size);
  };
  const judge = (usedBytes: number, code: QuotaCode | undefined, sizeOfIt: DynoSize): void => {
    if (code === undefined) return;
    for (const line of quotaLines(code, usedBytes, sizeOfIt)) log(line);
    exceeded(code, usedBytes, sizeOfIt.memoryBytes);
  };
  const next = (): void => {
    cancel = clock.after(sampleEveryMs, () => {
      // What cannot be read has ended, or is about to.
      read().catch(() => undefined).then((reading) => {
        if (isEnded) return;
        if (reading !== undefined) take(reading);
        next();
      }, () => undefined);
    });
  };
  next();
  return () => {
    isEnded = true;
    cancel();
  };
}
