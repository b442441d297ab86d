/** Of one dyno: what is written down of it, and how its next owner comes to its container. */
import type { Container } from '../../container/container.js';
import type { RunOptions } from '../../container/options/options.js';
import type { Runtime } from '../../container/runtime.js';
import { lostStatus, type ExitStatus } from '../../container/state/exit-status.js';
import { TsrunError } from '../../spec/errors.js';
import { pause, type Clock } from '../clock.js';
import type { Death } from '../death.js';
import type { LifeRecord } from '../life-record.js';
import type { LineForm } from '../log/framing.js';
import { containerLines, Unread, type Gap, type TimedLine } from './container-lines.js';
import type { FormationFolder } from './folder.js';
import type { Journal } from './journal.js';
import { readDyno, writeDyno, type DynoPart } from './saved-dyno.js';

/** Whose dyno it is that is kept. */
export interface Kept {
  /** `web.1`, or `web.1-b` where a dyno has this container beside another */
  readonly place: string;
  /** Of its container. */
  readonly id: string;
  /** Of the formation, when it was made. */
  readonly release: number;
}

/** The container of a dyno as it was found: it runs, or has ended. */
export type Found = { readonly container: Container } | { readonly status: ExitStatus; readonly createdAtMs: number };

/** Whose log is read: a container of that time, which runs, or has ended. */
export interface Printing {
  readonly createdAtMs: number;
  readonly lineForm?: LineForm | undefined;
  readonly container?: Container;
}

/** Who hears what is read. */
export interface PrintListener {
  readonly say: (line: TimedLine) => void;
  /** Nobody can read so many lines any more. @param sinceMs when the last one was printed that was read */
  readonly miss: (gap: Gap, sinceMs: number) => void;
}

/** Of all dynos of a formation. */
export interface KeeperSurroundings {
  readonly runtime: Runtime;
  readonly folder: FormationFolder;
  readonly journal: Journal;
  readonly clock: Clock;
}

/** The launcher needs a moment to see that the owner before is dead. */
const retriesMs = [5, 10, 20, 50, 100, 200, 500, 1000];

export class DynoKeeper {
  /** What a container needs to outlive its owner, and to be found when it has ended. Its output is read from its log. */
  readonly options = { survive: true, autoRemove: false, log: true } as const satisfies RunOptions;
  readonly #runtime: Runtime;
  readonly #folder: FormationFolder;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #place: string;
  readonly #id: string;
  readonly #release: number;
  #part: DynoPart | undefined;

  constructor({ runtime, folder, journal, clock }: KeeperSurroundings, { place, id, release }: Kept) {
    [this.#runtime, this.#folder, this.#journal, this.#clock, this.#place, this.#id, this.#release] = [runtime, folder, journal, clock, place, id, release];
  }

  remember(life: LifeRecord, lastDeath: Death | undefined): void {
    this.#write({ life, lastDeath });
  }

  /** Its part in a replacement is another one from now on; undefined: it has its place for itself. */
  become(part: DynoPart | undefined): void {
    this.#part = part;
    const saved = readDyno(this.#folder.read(this.#file) ?? '');
    if (saved !== undefined) this.#write(saved);
  }

  /** @throws ERR_TSRUN_STATE when somebody else owns the container */
  async find(): Promise<Found | undefined> {
    for (const waitMs of [...retriesMs, undefined]) {
      const found = this.#look();
      if (found === undefined) return undefined;
      const { status, createdAtMs } = found;
      if (status !== undefined) return { status, createdAtMs };
      try {
        const own = this.#runtime.containers.find(({ id }) => id === this.#id);
        return { container: own ?? (await this.#runtime.adopt(this.#id)) };
      } catch (error) {
        if (TsrunError.is(error) && error.code === 'ERR_TSRUN_LAUNCHER_LOST') return { status: lostStatus(), createdAtMs };
        // It may have ended just now.
        if (waitMs === undefined || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_STATE') throw error;
        await pause(this.#clock, waitMs);
      }
    }
    return undefined;
  }

  /** Everything that is new in the log of its container, until that, if it runs, has ended or the signal is aborted. */
  async print({ createdAtMs, container, lineForm }: Printing, { say, miss }: PrintListener, signal: AbortSignal): Promise<void> {
    const journal = this.#journal;
    const before = journal.cursor(this.#place);
    const streams = [container?.stdout, container?.stderr].filter((stream) => stream !== null && stream !== undefined);
    const cursor = before?.createdAtMs === createdAtMs ? before : undefined;
    const unread = cursor === undefined ? undefined : new Unread(cursor);
    journal.begin(this.#place, createdAtMs);
    try {
      for await (const lines of containerLines(this.#runtime.statePath(this.#id), container === undefined ? undefined : streams, signal, cursor?.breaks ?? 0, lineForm)) {
        if (signal.aborted) return;
        for (const line of unread?.of(lines) ?? lines) this.#tell(line, say, miss);
      }
    } catch (error) {
      // Somebody has removed it by force.
      if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
    }
  }

  #tell(line: TimedLine | Gap, say: PrintListener['say'], miss: PrintListener['miss']): void {
    if ('message' in line) {
      this.#journal.reach(this.#place, line);
      say(line);
      return;
    }
    const { createdAtMs = line.timeMs, timeMs = 0 } = this.#journal.cursor(this.#place) ?? {};
    this.#journal.reach(this.#place, { breaks: line.breaks });
    miss(line, Math.max(createdAtMs, timeMs));
  }

  /** Its end is written down before the container, which tells of it, is forgotten. */
  async died(life: LifeRecord, lastDeath: Death | undefined, ended: Death): Promise<void> {
    this.#journal.flush();
    this.#write({ life, lastDeath, ended });
    if (ended.cause === 'lost') await this.#runtime.gc();
    try {
      this.#runtime.remove(this.#id);
    } catch (error) {
      if (!TsrunError.is(error)) throw error;
    }
  }

  /** There shall be no such dyno any more. */
  end(): void {
    this.#folder.remove(this.#file);
  }

  #write(told: Omit<Parameters<typeof writeDyno>[0], 'part' | 'release'>): void {
    this.#folder.write(this.#file, writeDyno({ ...told, part: this.#part, release: this.#release }));
  }

  get #file(): string {
    return `dynos/${this.#place}`;
  }

  /** Without a status where it lives, as far as its record says. */
  #look(): { readonly status?: ExitStatus; readonly createdAtMs: number } | undefined {
    try {
      const { state, exit = lostStatus(), record } = this.#runtime.inspect(this.#id);
      const { createdAtMs } = record;
      return state === 'stopped' ? { status: exit, createdAtMs } : { createdAtMs };
    } catch (error) {
      if (TsrunError.is(error) && error.code === 'ERR_TSRUN_NOT_FOUND') return undefined;
      throw error;
    }
  }
}
