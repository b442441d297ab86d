/**
 * Waits for a dyno's listener, while it is starting and no longer. The kernel tells of each socket that begins to listen; where it does not
 * (an ordinary user may load no program for that, and there may be no cgroup) its tables are looked at again and again.
 */
import type { ListeningSource } from '../container/listening.js';
import type { Listening } from '../engine/requests.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';
import { badBind, isBound, isLoopbackAddress, readListeners, type Listener } from './listeners.js';

/** Without events: most programs listen soon, and some take half a minute. */
const firstLookMs = 20;
const mostBetweenMs = 250;
/** Before it is too late: what has been closed since is told by no event, and is none of what is wrong. */
const lastLookMs = 1000;

export interface PortWatchSettings {
  readonly clock: Clock;
  readonly port: number;
  readonly source: ListeningSource;
  /** When it is too late: milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly onBound: () => void;
  /** The tables of the kernel. */
  readonly read?: (pid: number) => Promise<readonly Listener[]>;
}

export class PortWatch {
  readonly #settings: PortWatchSettings;
  readonly #next: Alarm;
  #listeners: readonly Listener[] = [];
  #samples = false;
  #isOver = false;

  constructor(settings: PortWatchSettings) {
    this.#settings = settings;
    this.#next = new Alarm(settings.clock);
    void this.#begin();
  }

  /** What it listens on instead, as a line of the log, by what was seen last. */
  get badBind(): string | undefined {
    return badBind(this.#listeners, this.#settings.port);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#next.clear();
    this.#settings.source.end();
  }

  async #begin(): Promise<void> {
    const { source, clock, deadlineMs } = this.#settings;
    const isTold = await source.watch((told) => { this.#hear(told); }).then(() => true, () => false);
    if (this.#isOver || this.#samples) return;
    if (!isTold) return this.#sample(firstLookMs);
    const leftMs = deadlineMs - clock.now();
    this.#next.in(leftMs - Math.min(lastLookMs, leftMs / 2), () => void this.#look());
    // It may have been faster.
    await this.#look();
  }

  #hear(told: Listening): void {
    if (this.#isOver) return;
    if (told === 'ended') void this.#sample(firstLookMs);
    else if (told !== 'lost' && isBound([{ port: told.port, isLoopback: isLoopbackAddress(told.address) }], this.#settings.port)) this.#bound();
    else void this.#look();
  }

  async #sample(waitMs: number): Promise<void> {
    this.#samples = true;
    await this.#look();
    if (!this.#isOver) this.#next.in(waitMs, () => void this.#sample(Math.min(2 * waitMs, mostBetweenMs)));
  }

  async #look(): Promise<void> {
    const { source, port, read = readListeners } = this.#settings;
    const listeners = await read(source.pid);
    if (this.#isOver) return;
    this.#listeners = listeners;
    if (isBound(listeners, port)) this.#bound();
  }

  #bound(): void {
    this.end();
    this.#settings.onBound();
  }
}
