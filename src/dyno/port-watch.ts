/**
 * Waits for a dyno's listener, while it is starting and no longer. The kernel tells of each socket that begins to listen; where it does not
 * (an ordinary user may load no program for that, and there may be no cgroup) its tables are looked at again and again.
 */
import type { ListeningSource } from '../container/listening.js';
import type { Listening } from '../engine/requests.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';
import { badBind, isBound, isLoopbackAddress, readListeners, type BadBind, type Listener } from './listeners.js';

/** Without events: most programs listen soon, and some take half a minute. */
const firstLookMs = 20;
const mostBetweenMs = 250;
/** Before it is too late: what has been closed since is told by no event, and is none of what is wrong. */
const lastLookMs = 1000;
/**
 * How long something wrong must have stood before it is told. Who has its own port on the loopback address means to serve there; another port may be one
 * beside it, of metrics say, that is bound first; and one of those on the loopback address alone (a debugger's) says nothing until the time is over.
 */
const standsMs = { ownPort: 1000, otherPort: 10_000 } as const;

export interface PortWatchSettings {
  readonly clock: Clock;
  readonly port: number;
  readonly source: ListeningSource;
  /** When it is too late: milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly onBound: () => void;
  /** It listens elsewhere, and has for a while: told once of each such place. */
  readonly onBadBind?: (found: BadBind) => void;
  /** The tables of the kernel. */
  readonly read?: (pid: number) => Promise<readonly Listener[]>;
}

export class PortWatch {
  readonly #settings: PortWatchSettings;
  readonly #next: Alarm;
  readonly #judgement: Alarm;
  /** What the judgement is about, and what was told already. */
  #suspect: BadBind | undefined;
  readonly #told = new Set<string>();
  #listeners: readonly Listener[] = [];
  #samples = false;
  #isOver = false;

  constructor(settings: PortWatchSettings) {
    this.#settings = settings;
    this.#next = new Alarm(settings.clock);
    this.#judgement = new Alarm(settings.clock);
    void this.#begin();
  }

  /** What it listens on instead, by what was seen last, if that was not told yet. */
  get badBind(): BadBind | undefined {
    const found = badBind(this.#listeners, this.#settings.port);
    return found === undefined || this.#told.has(keyOf(found)) ? undefined : found;
  }

  /** The same, to be told now. */
  takeBadBind(): BadBind | undefined {
    const found = this.badBind;
    if (found !== undefined) this.#told.add(keyOf(found));
    return found;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#next.clear();
    this.#judgement.clear();
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
    else this.#suspectOf(this.badBind);
  }

  #suspectOf(found: BadBind | undefined): void {
    if (found !== undefined && this.#suspect !== undefined && keyOf(found) === keyOf(this.#suspect)) return;
    this.#judgement.clear();
    this.#suspect = found;
    if (found === undefined || (found.isLoopback && found.port !== found.wantedPort)) return;
    this.#judgement.in(found.port === found.wantedPort ? standsMs.ownPort : standsMs.otherPort, () => void this.#judge(found));
  }

  /** What was closed since is told by no event. */
  async #judge(found: BadBind): Promise<void> {
    await this.#look();
    const { badBind: now } = this;
    if (this.#isOver || now === undefined || keyOf(now) !== keyOf(found)) return;
    this.#suspect = undefined;
    this.takeBadBind();
    this.#settings.onBadBind?.(found);
  }

  #bound(): void {
    this.end();
    this.#settings.onBound();
  }
}

function keyOf({ port, isLoopback }: BadBind): string {
  return `${port} ${isLoopback}`;
}
