/**
 * The log of a formation as its next owner finds it: the last lines, and how far each dyno's own log was read. A line and its place are
 * written at once, so that none is told twice; what was not written is still in the log that the launcher keeps.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly #cursors = new Map<string, Cursor>();
  readonly #past: LogLine[] = [];
  #pending: LogLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(folder: Pick<FormationFolder, 'path' | 'read' | 'write'>) {
    this.#folder = folder;
    this.#read();
  }

  /** The last lines, oldest first. */
  get past(): readonly LogLine[] {
    return this.#past.slice(-keptLines);
  }

  /** How far the log of this dyno was read. */
  cursor(dyno: string): Cursor | undefined {
    return this.#cursors.get(dyno);
  }

  /** The log of a dyno is that of a new container now, which was made then. */
  begin(dyno: string, createdAtMs: number): void {
    if (this.#cursors.get(dyno)?.createdAtMs !== createdAtMs) this.#cursors.set(dyno, { createdAtMs, timeMs: 0, count: 0 });
  }

  add(line: LogLine): void {
    this.#pending.push(line);
    this.#past.push(line);
    if (this.#past.length > 2 * keptLines) this.#past.splice(0, keptLines);
    if (line.source === 'app') this.#advance(line);
    // What the platform says is rare, and stands nowhere else.
    if (line.source === 'heroku') this.flush();
    else this.#timer ??= setTimeout(() => { this.flush(); }, waitMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    const lines = this.#pending.slice(-keptLines);
    const dynos = new Set(this.#pending.map(({ dyno }) => dyno));
    this.#pending = [];
    const text = this.#entries(lines, dynos);
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > mostBytes) this.#rewrite();
    else appendFileSync(join(this.#folder.path, file), text, { mode: 0o600 });
  }

  #advance({ dyno, timeMs }: LogLine): void {
    const before = this.#cursors.get(dyno);
    if (before !== undefined) this.#cursors.set(dyno, { ...before, timeMs, count: before.timeMs === timeMs ? before.count + 1 : 1 });
  }

  #entries(lines: readonly LogLine[], dynos: Iterable<string>): string {
    const cursors = [...dynos].flatMap((dyno) => {
      const cursor = this.#cursors.get(dyno);
      return cursor === undefined ? [] : [[dyno, cursor] as const];
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
    for (const [dyno, cursor] of Object.entries(value.cursors)) if (isCursor(cursor)) this.#cursors.set(dyno, cursor);
    this.#past.push(...value.lines.filter(isLine));
    if (this.#past.length > 2 * keptLines) this.#past.splice(0, this.#past.length - keptLines);
  }
}
