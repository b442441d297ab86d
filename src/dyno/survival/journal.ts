/**
 * The log of a formation as its next owner finds it: the last lines, and how far each container's own log was read. A line and its place are
 * written at once, so that none is told twice; what was not written is still in the log that the launcher keeps.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { keptLines } from '../log/hub.js';
import type { LogLine } from '../log/line.js';
import type { FormationFolder } from './folder.js';
import { isCursor, isLine, type Cursor } from './journal-entries.js';

const file = 'log';
/** When the file is larger than that it is written anew, with what fits half of it. */
const mostBytes = 4 * 2 ** 20;
/** How long a line may wait for others: one write a line would cost more than the line. */
const waitMs = 20;

export class Journal {
  readonly #folder: Pick<FormationFolder, 'path' | 'read' | 'write'>;
  readonly #clock: Clock;
  readonly #cursors = new Map<string, Cursor>();
  readonly #past: LogLine[] = [];
  #pending: LogLine[] = [];
  /** Whose cursors are not written down yet. */
  readonly #moved = new Set<string>();
  #cancel: (() => void) | undefined;
  #bytes = 0;

  constructor(folder: Pick<FormationFolder, 'path' | 'read' | 'write'>, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#read();
  }

  /** The last lines, oldest first. */
  get past(): readonly LogLine[] {
    return this.#past.slice(-keptLines);
  }

  /** How far a container's log was read: `web.1`, or `web.1-b` where a dyno has that beside another. */
  cursor(place: string): Cursor | undefined {
    return this.#cursors.get(place);
  }

  /** It is that of a new container now, which was made then. */
  begin(place: string, createdAtMs: number): void {
    if (this.#cursors.get(place)?.createdAtMs !== createdAtMs) this.#cursors.set(place, { createdAtMs, timeMs: 0, count: 0, breaks: 0 });
  }

  /** It was read up to this line, or, without a time, over a gap; `add` follows at once. */
  reach(place: string, { timeMs, breaks }: { readonly timeMs?: number; readonly breaks: number }): void {
    const before = this.#cursors.get(place);
    if (before === undefined) return;
    const line = timeMs === undefined ? {} : { timeMs, count: before.timeMs === timeMs ? before.count + 1 : 1 };
    this.#cursors.set(place, { ...before, ...line, breaks });
    this.#moved.add(place);
  }

  add(line: LogLine): void {
    this.#pending.push(line);
    this.#past.push(line);
    if (this.#past.length > 2 * keptLines) this.#past.splice(0, keptLines);
    // What the platform says is rare, and stands nowhere else.
    if (line.source === 'heroku') this.flush();
    else this.#cancel ??= this.#clock.after(waitMs, () => { this.flush(); });
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#pending.length === 0) return;
    const lines = this.#pending.slice(-keptLines);
    const text = this.#entries(lines, this.#moved);
    this.#pending = [];
    this.#moved.clear();
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > mostBytes) this.#rewrite();
    else appendFileSync(join(this.#folder.path, file), text, { mode: 0o600 });
  }

  #entries(lines: readonly LogLine[], places: Iterable<string>): string {
    const cursors = [...places].flatMap((place) => {
      const cursor = this.#cursors.get(place);
      return cursor === undefined ? [] : [[place, cursor] as const];
    });
    // One line, since half of a write may be all that there is: a line that is told without its place would be told again.
    return `${JSON.stringify({ cursors: Object.fromEntries(cursors), lines })}\n`;
  }

  #rewrite(): void {
    let room = mostBytes / 2;
    const fits = this.past.toReversed().findIndex(({ message }) => (room -= 2 * Buffer.byteLength(message) + 100) < 0);
    const lines = fits === -1 ? this.past : this.past.slice(this.past.length - fits);
    const text = this.#entries(lines, this.#cursors.keys());
    this.#bytes = Buffer.byteLength(text);
    this.#folder.write(file, text);
  }

  #read(): void {
    const text = this.#folder.read(file) ?? '';
    for (const entry of text.split('\n')) this.#take(entry);
    // What a killed owner has written half would run into what comes next.
    if (text !== '') this.#rewrite();
  }

  #take(entry: string): void {
    let value: unknown;
    try {
      value = JSON.parse(entry);
    } catch {
      return;
    }
    if (typeof value !== 'object' || value === null || !('cursors' in value && 'lines' in value)) return;
    if (typeof value.cursors !== 'object' || value.cursors === null || !Array.isArray(value.lines)) return;
    for (const [place, cursor] of Object.entries(value.cursors)) if (isCursor(cursor)) this.#cursors.set(place, cursor);
    this.#past.push(...value.lines.filter(isLine));
    if (this.#past.length > 2 * keptLines) this.#past.splice(0, this.#past.length - keptLines);
  }
}
