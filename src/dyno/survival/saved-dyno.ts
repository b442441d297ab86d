/** What is written down of a dyno whenever it changes. */
import { Faults } from '../../spec/faults.js';
import { integer, number, oneOf, optional, strictObject, text, type Shape } from '../../spec/shape.js';
import type { ExitStatus, Usage } from '../../container/state/exit-status.js';
import type { Death } from '../death.js';
import { lifeRecord, type LifeRecord } from '../life-record.js';

type SavedDeath = Omit<Death, 'error'>;

/** In a replacement: it is to take the place of another one when it is up, or another one has taken its place and it is to end. */
export type DynoPart = 'rising' | 'leaving';

export interface SavedDyno {
  readonly life: LifeRecord;
  readonly lastDeath?: SavedDeath;
  /** How its program has ended, of which its life does not know yet. */
  readonly ended?: SavedDeath;
  readonly part?: DynoPart;
  /** Of its formation when it was made; absent: the first. */
  readonly release?: number;
}

const count = integer(0, Number.MAX_SAFE_INTEGER);
const figure = number(0, Number.MAX_VALUE);

const usage: Shape<Usage> = strictObject<Usage>({
  cpuUs: figure, userUs: figure, systemUs: figure, memoryPeakBytes: optional(figure), maxRssBytes: figure, readBytes: optional(figure), writtenBytes: optional(figure),
});

const status: Shape<ExitStatus> = strictObject<ExitStatus>({
  code: count,
  signal: optional(text()),
  cause: oneOf('a cause', ['exit', 'signal', 'oom', 'timeout', 'lost']),
  durationMs: figure,
  usage,
  oomKills: count,
  oomGroupKills: count,
  pidsRefused: count,
});

const death: Shape<SavedDeath> = strictObject<SavedDeath>({
  cause: oneOf('a cause', ['exit', 'signal', 'oom', 'quota', 'stop', 'stop-timeout', 'boot-timeout', 'unhealthy', 'attach-timeout', 'failed', 'lost']),
  code: count,
  status: optional(status),
  victim: optional(oneOf('a victim', ['dyno', 'program'])),
  oomKills: count,
});

const saved: Shape<SavedDyno> = strictObject<SavedDyno>({ life: lifeRecord, lastDeath: optional(death), ended: optional(death), part: optional(oneOf('a part', ['rising', 'leaving'])), release: optional(count) });

interface Told extends Omit<SavedDyno, 'lastDeath' | 'ended' | 'part'> {
  readonly lastDeath?: Death | undefined;
  readonly ended?: Death;
  readonly part?: DynoPart | undefined;
}

export function writeDyno({ lastDeath, ended, ...plain }: Told): string {
  return JSON.stringify({ ...plain, ...(lastDeath !== undefined && { lastDeath: withoutError(lastDeath) }), ...(ended !== undefined && { ended: withoutError(ended) }) });
}

/** Undefined for what no tsrun of this version has written. */
export function readDyno(json: string): SavedDyno | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isSaved(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isSaved(value: unknown): value is SavedDyno {
  const faults = new Faults();
  saved.check(value, '', faults);
  return faults.list.length === 0;
}

/** The log has told of it. */
function withoutError({ cause, code, status: told, victim, oomKills }: Death): SavedDeath {
  return { cause, code, oomKills, ...(told !== undefined && { status: told }), ...(victim !== undefined && { victim }) };
}
