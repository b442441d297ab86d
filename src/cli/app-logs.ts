/** `tsrun logs` of an app. */
import { once } from 'node:events';
import { TsrunError, type ClientLogOptions, type LogLine } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import { DynoLines } from './dyno-lines.js';
import type { Invocation } from './invocation.js';
import { painter, wantsColour } from './output.js';

export async function showAppLogs({ flags, stdout, env }: Invocation): Promise<number> {
  const app = chosenApp(flags);
  const { follow = false, tail, sinceMs, dyno } = flags;
  const seen = new Seen();
  const lines = new DynoLines(painter(stdout, env), wantsColour(stdout, env));
  const wanted: ClientLogOptions = { follow, ...(sinceMs !== undefined && { sinceMs }), ...(dyno !== undefined && { dyno }) };
  let options: ClientLogOptions = { ...wanted, ...(tail !== undefined && { past: tail }) };
  for (;;) {
    const client = await reachApp(app);
    try {
      for await (const line of client.logs(options)) if (seen.isNew(line) && !stdout.write(lines.render(line))) await once(stdout, 'drain');
      return 0;
    } catch (error) {
      // The agent is dead: the next one has all that was printed meanwhile.
      if (!follow || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_STATE') throw error;
      options = wanted;
      seen.again();
    }
  }
}

/** Lines of one source and dyno come in the order of their times, whichever agent tells them. */
class Seen {
  readonly #beganMs = Date.now();
  readonly #last = new Map<string, { readonly timeMs: number; readonly count: number }>();
  #skipped: Map<string, { readonly timeMs: number; count: number }> | undefined;

  /** Lines may come once more now. */
  again(): void {
    this.#skipped = new Map([...this.#last].map(([key, place]) => [key, { ...place }]));
  }

  isNew({ source, dyno, timeMs }: LogLine): boolean {
    const key = `${source} ${dyno}`;
    if (this.#skipped !== undefined) {
      // Of what was not told at all, that was not wanted which had been there before.
      const skipped = this.#skipped.get(key) ?? { timeMs: this.#beganMs, count: 0 };
      if (timeMs < skipped.timeMs || (timeMs === skipped.timeMs && skipped.count-- > 0)) return false;
    }
    const last = this.#last.get(key);
    this.#last.set(key, { timeMs, count: last?.timeMs === timeMs ? last.count + 1 : 1 });
    return true;
  }
}
