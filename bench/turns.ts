/**
 * Turns of this process's event loop, by the processor time that the main thread takes for each: that is the same however busy the machine
 * is. While it is watched the loop never rests, so that no turn is taken together with the next.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';

export interface TurnFigures {
  readonly p999Ms: number;
  readonly longestMs: number;
  /** How many took longer than a millisecond. */
  readonly longCount: number;
}

const longNs = 1e6;

export async function watchTurns(work: () => Promise<unknown>): Promise<TurnFigures> {
  const clock = new ThreadClock();
  const turns = createHistogram();
  let longCount = 0;
  let startNs = clock.nowNs();
  const look = () => {
    const tookNs = clock.nowNs() - startNs;
    turns.record(Math.max(1, tookNs));
    if (tookNs > longNs) longCount++;
    next = setImmediate(look);
    startNs = clock.nowNs();
  };
  let next = setImmediate(look);
  try {
    await work();
  } finally {
    clearImmediate(next);
    clock.close();
  }
  return { p999Ms: turns.percentile(99.9) / 1e6, longestMs: turns.max / 1e6, longCount };
}

/** Processor time of the main thread. */
class ThreadClock {
  readonly #file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  readonly #memory = Buffer.alloc(128);

  nowNs(): number {
    // getrusage(2): what the file says is otherwise as old as the last tick (thread_group_cputime in kernel/sched/cputime.c).
    process.cpuUsage();
    const length = readSync(this.#file, this.#memory, 0, this.#memory.length, 0);
    return Number.parseInt(this.#memory.toString('latin1', 0, length), 10);
  }

  close(): void {
    closeSync(this.#file);
  }
}
