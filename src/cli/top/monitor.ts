/** `tsrun top` on a terminal: what is seen, what is typed and what is drawn come together here. */
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { painter } from '../output.js';
import type { Invocation } from '../invocation.js';
import { hasTerminal } from '../program/terminal.js';
import { aloneLines } from './alone.js';
import { filterRows, sortRows } from './columns.js';
import { extend, type Courses } from './history.js';
import { firstState, press, type Key, type TopState } from './keys.js';
import { listLines, pageOf } from './list.js';
import { LogTail } from './log-tail.js';
import type { TopRow } from './rows.js';
import type { Sampler } from './sampler.js';
import { Screen } from './screen.js';
import type { SortKey } from './sort-keys.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A log may have thousands of lines a second. */
const leastBetweenMs = 100;

export interface MonitorSettings {
  readonly sampler: Sampler;
  readonly intervalMs: number;
  readonly sort: SortKey;
}

export class Monitor {
  readonly #settings: MonitorSettings;
  readonly #screen: Screen;
  readonly #paint;
  readonly #end = new AbortController();
  #code = 0;
  #state: TopState;
  #rows: readonly TopRow[] = [];
  #courses: Courses = new Map();
  #log: LogTail | undefined;
  /** The one that is shown alone, as it was seen last. */
  #alone: TopRow | undefined;
  #drawLater: NodeJS.Timeout | undefined;

  constructor(settings: MonitorSettings, { stdin, stdout, stderr, env }: Invocation) {
    this.#settings = settings;
    this.#state = { ...firstState, sort: settings.sort };
    this.#paint = painter(stdout, env);
    this.#screen = new Screen({ stdin, stdout, stderr }, (key) => {
      this.#press(key);
    }, () => {
      this.#draw();
    });
  }

  /** Until somebody quits, or a signal comes. */
  async run(): Promise<number> {
    for (const signal of signals) process.once(signal, this.#interrupt);
    process.on('SIGCONT', this.#comeBack);
    this.#screen.open();
    try {
      while (!this.#end.signal.aborted) {
        const rows = await this.#settings.sampler.look();
        this.#rows = rows;
        this.#courses = extend(this.#courses, rows);
        this.#draw();
        await delay(this.#settings.intervalMs, undefined, { signal: this.#end.signal }).catch(() => undefined);
      }
      return this.#code;
    } finally {
      clearTimeout(this.#drawLater);
      this.#log?.close();
      this.#screen.close();
      process.removeListener('SIGCONT', this.#comeBack);
      for (const signal of signals) process.removeListener(signal, this.#interrupt);
    }
  }

  readonly #interrupt = (signal: (typeof signals)[number]) => {
    this.#code = 128 + constants.signals[signal];
    // At once: a look may take its time.
    this.#screen.close();
    this.#end.abort();
  };

  readonly #comeBack = () => {
    // A terminal that hangs up sends the same signal.
    if (this.#end.signal.aborted || !hasTerminal()) return;
    this.#screen.close();
    this.#screen.open();
    this.#draw();
  };

  #press(key: Key): void {
    const next = press(this.#state, key, this.#shown().map(({ name }) => name), Math.max(1, pageOf(this.#screen.size)));
    if (next === 'quit') {
      this.#screen.close();
      this.#end.abort();
    } else if (next === 'suspend') {
      this.#screen.close();
      // As the terminal itself would: to all of the job.
      process.kill(0, 'SIGTSTP');
    } else if (next === 'redraw') {
      this.#screen.forget();
      this.#draw();
    } else {
      this.#state = next;
      this.#draw();
    }
  }

  #shown(): readonly TopRow[] {
    const { filter, sort, isReversed } = this.#state;
    return sortRows(filterRows(this.#rows, filter), sort, isReversed);
  }

  #draw(): void {
    clearTimeout(this.#drawLater);
    this.#drawLater = undefined;
    const { size } = this.#screen;
    const { opened } = this.#state;
    this.#follow(opened);
    if (opened === undefined) {
      this.#screen.draw(listLines({ state: this.#state, rows: this.#shown(), total: this.#rows.length }, size, this.#paint));
      return;
    }
    const seen = this.#rows.find(({ name }) => name === opened);
    this.#alone = seen ?? this.#alone;
    if (this.#alone === undefined) return;
    const course = this.#courses.get(opened) ?? { cpu: [], memory: [], pids: [], pressure: [] };
    this.#screen.draw(aloneLines({ row: this.#alone, isGone: seen === undefined, course, log: this.#log?.lines ?? [] }, size, this.#paint));
  }

  /** Reads along with the one that is shown alone. */
  #follow(opened: string | undefined): void {
    if (this.#log?.name === opened) return;
    this.#log?.close();
    const row = this.#rows.find(({ name }) => name === opened);
    this.#alone = row;
    this.#log = row === undefined ? undefined : new LogTail(row, () => {
      this.#drawLater ??= setTimeout(() => {
        this.#draw();
      }, leastBetweenMs);
    });
  }
}
