/** The events of a formation as its next owner finds them: a line each, written before it is told. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { TsrunError } from '../../spec/errors.js';
import { errorJson, errorOf } from '../agent/carried-error.js';
import type { DynoEvent } from '../events.js';
import { keptEvents, type EventStore } from '../log/event-log.js';
import type { FormationFolder } from './folder.js';

const file = 'events';

export class EventJournal implements EventStore {
  readonly past: readonly DynoEvent[];
  readonly #folder: Pick<FormationFolder, 'path' | 'read' | 'write'>;
  /** Those in the file. */
  #lines: string[];

  constructor(folder: Pick<FormationFolder, 'path' | 'read' | 'write'>) {
    this.#folder = folder;
    const text = folder.read(file) ?? '';
    this.past = text.split('\n').flatMap((line) => parse(line) ?? []).slice(-keptEvents);
    this.#lines = this.past.map(line);
    // What a killed owner has written half would run into what comes next.
    if (text !== '') this.#rewrite();
  }

  add(event: DynoEvent): void {
    this.#lines.push(line(event));
    if (this.#lines.length >= 2 * keptEvents) this.#rewrite();
    else appendFileSync(join(this.#folder.path, file), `${this.#lines.at(-1) ?? ''}\n`, { mode: 0o600 });
  }

  #rewrite(): void {
    this.#lines = this.#lines.slice(-keptEvents);
    this.#folder.write(file, this.#lines.map((each) => `${each}\n`).join(''));
  }
}

function line(event: DynoEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => (TsrunError.is(value) ? errorJson(value) : value));
}

/** Undefined for what is no event. */
function parse(text: string): DynoEvent | undefined {
  try {
    const value: unknown = JSON.parse(text, (key, inner: unknown) => (key === 'error' ? errorOf(inner) : inner));
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is DynoEvent {
  if (typeof value !== 'object' || value === null || !('type' in value && 'dyno' in value && 'timeMs' in value && 'sequence' in value)) return false;
  const { type, dyno, timeMs, sequence } = value;
  return typeof type === 'string' && typeof dyno === 'string' && typeof timeMs === 'number' && Number.isSafeInteger(sequence);
}
