/** The last lines that a container or a dyno has printed, and those that come. */
import { FormationClient, readLog } from '../../index.js';
import { splitPieces } from '../program/log-lines.js';
import type { TopRow } from './rows.js';

/** More than any terminal is high. */
const mostLines = 500;
/** More than any is wide; the rest of a line is not shown. */
const longestLine = 2000;

export class LogTail {
  /** Of whom. */
  readonly name: string;
  readonly #lines: string[] = [];
  readonly #end = new AbortController();
  readonly #onChange: () => void;

  constructor(row: TopRow, onChange: () => void) {
    this.name = row.name;
    this.#onChange = onChange;
    this.#read(row).catch((error: unknown) => {
      if (!this.#end.signal.aborted) this.#add(`(${error instanceof Error ? error.message : String(error)})`, true);
    });
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  close(): void {
    this.#end.abort();
  }

  async #read({ app, dyno, logFolder }: TopRow): Promise<void> {
    const { signal } = this.#end;
    if (app !== undefined && dyno !== undefined) {
      for await (const { timeMs, source, message } of new FormationClient(app).logs({ dyno, past: mostLines, follow: true, signal })) {
        this.#add(`${new Date(timeMs).toISOString().slice(11, 19)} ${source === 'heroku' ? '» ' : ''}${message.slice(0, longestLine)}`, true);
      }
    } else if (logFolder === undefined) this.#add('(it keeps no log: it was started in the foreground, with its output elsewhere)', true);
    else for await (const { bytes, starts } of splitPieces(readLog(logFolder, { follow: true, signal }))) this.#add(bytes.toString('utf8', 0, longestLine).replace(/\r?\n$/, ''), starts);
  }

  #add(text: string, starts: boolean): void {
    if (starts || this.#lines.length === 0) this.#lines.push(text);
    else this.#lines.push(`${this.#lines.pop() ?? ''}${text}`.slice(0, longestLine));
    if (this.#lines.length > 2 * mostLines) this.#lines.splice(0, mostLines);
    this.#onChange();
  }
}
