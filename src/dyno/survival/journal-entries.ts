/** What stands in the log of a formation that outlives its process. */
import type { LogLine, PartialLine } from '../log/line.js';

/** A place in the log of a dyno's container: times there only grow. */
export interface Cursor {
  /** Of the container. */
  readonly createdAtMs: number;
  /** Of the line that was read last. */
  readonly timeMs: number;
  /** So many lines of that time were read. */
  readonly count: number;
  /** Line feeds up to there. */
  readonly breaks: number;
}

export function isCursor(value: unknown): value is Cursor {
  return typeof value === 'object' && value !== null && ['createdAtMs', 'timeMs', 'count', 'breaks'].every((key) => typeof Reflect.get(value, key) === 'number');
}

/** Of docker's form. */
function isPartial(value: unknown): value is PartialLine {
  return typeof value === 'object' && value !== null && 'id' in value && 'ordinal' in value && 'last' in value && typeof value.id === 'string' && typeof value.ordinal === 'number' && typeof value.last === 'boolean';
}

export function isLine(value: unknown): value is LogLine {
  if (typeof value !== 'object' || value === null || !('timeMs' in value && 'source' in value && 'dyno' in value && 'message' in value)) return false;
  const { timeMs, source, dyno, message, stream, partial }: Readonly<Record<string, unknown>> = { ...value };
  if ((stream !== undefined && stream !== 'stdout' && stream !== 'stderr') || (partial !== undefined && !isPartial(partial))) return false;
  return typeof timeMs === 'number' && Number.isFinite(timeMs) && (source === 'app' || source === 'heroku') && typeof dyno === 'string' && typeof message === 'string';
}
