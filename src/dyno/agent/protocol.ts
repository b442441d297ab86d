/**
 * What a formation's owner and others say to each other over its socket: one request a connection, as a line of JSON; answered by lines,
 * of which the last one is `end` or `error`.
 */
import { Faults } from '../../spec/faults.js';
import { boolean, integer, number, object, oneOf, optional, record, strictObject, tagged, text, type Shape } from '../../spec/shape.js';
import { TsrunError } from '../../spec/errors.js';
import type { DynoState } from '../life-record.js';

/** What is asked of logs. */
export interface LogRequest {
  readonly op: 'logs';
  /** How many of the lines that were there before; absent: all that are kept. */
  readonly past?: number;
  /** Milliseconds since 1970. */
  readonly sinceMs?: number;
  /** `web.1`, or all of `web`. */
  readonly dyno?: string;
  readonly follow: boolean;
}

export type Request =
  | { readonly op: 'dynos' }
  | { readonly op: 'stop' }
  | { readonly op: 'scale'; readonly quantities: Readonly<Record<string, number>> }
  | { readonly op: 'restart'; readonly which?: string }
  | LogRequest;

/** What is told of a dyno. */
export interface DynoSummary {
  /** `web.1` */
  readonly name: string;
  /** Its process type: `web`. */
  readonly type: string;
  /** Of its type, from 1. */
  readonly number: number;
  /** Where it is in its life. */
  readonly state: DynoState;
  /** Since when: milliseconds since 1970. */
  readonly sinceMs: number;
  /** As the log shows it. */
  readonly command: string;
  /** The name of the container that it runs in. */
  readonly container?: string;
  /** Of that one's first process. */
  readonly pid?: number;
  /** In a row, as its restart policy counts. */
  readonly crashes: number;
  /** How often it was started again, for whatever reason. */
  readonly restarts: number;
  /** When it is started again: milliseconds since 1970. */
  readonly nextRestartAtMs?: number;
  /** How it ended last: the cause and the exit code. */
  readonly lastDeath?: { readonly cause: string; readonly code: number };
}

/** The socket, in the folder of the formation. */
export const socketName = 'agent';
/** A line of the log has 10,000 bytes, of which JSON may make six times as many. */
export const mostLineBytes = 128 * 1024;

const time = number(0, Number.MAX_SAFE_INTEGER);
const name = text('the name of a dyno or of a process type', /^[\w-]{1,63}(?:\.\d{1,4})?$/);

const request: Shape<Request> = tagged('op', {
  dynos: strictObject<{ readonly op: 'dynos' }>({ op: oneOf('an operation', ['dynos']) }),
  stop: strictObject<{ readonly op: 'stop' }>({ op: oneOf('an operation', ['stop']) }),
  scale: strictObject<Extract<Request, { op: 'scale' }>>({ op: oneOf('an operation', ['scale']), quantities: record(integer(0, 1000)) }),
  restart: strictObject<Extract<Request, { op: 'restart' }>>({ op: oneOf('an operation', ['restart']), which: optional(name) }),
  logs: strictObject<LogRequest>({ op: oneOf('an operation', ['logs']), past: optional(integer(0, Number.MAX_SAFE_INTEGER)), sinceMs: optional(time), dyno: optional(name), follow: boolean }),
});

/** What a later version says more is passed over. */
export const dynoSummary: Shape<DynoSummary> = object<DynoSummary>({
  name: text(),
  type: text(),
  number: integer(1, Number.MAX_SAFE_INTEGER),
  state: oneOf('a state', ['provisioning', 'starting', 'up', 'crashed', 'down', 'complete']),
  sinceMs: time,
  command: text(),
  container: optional(text()),
  pid: optional(integer(0, 2 ** 31)),
  crashes: integer(0, Number.MAX_SAFE_INTEGER),
  restarts: integer(0, Number.MAX_SAFE_INTEGER),
  nextRestartAtMs: optional(time),
  lastDeath: optional(object<NonNullable<DynoSummary['lastDeath']>>({ cause: text(), code: integer(0, 255) })),
});

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function parseRequest(line: string): Request {
  const value = parseLine(line);
  if (isOf(request, value)) return value;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'the request is none that this version of tsrun knows', { hint: 'use the version that owns the formation' });
}

export function isOf<T>(shape: Shape<T>, value: unknown): value is T {
  const faults = new Faults();
  shape.check(value, '', faults);
  return faults.list.length === 0;
}

/** Undefined for what is no JSON. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The lines of a socket. @throws ERR_TSRUN_STATE for one that is too long */
export async function* linesFrom(socket: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of socket) {
    const bytes = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let at = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
      yield bytes.toString('utf8', at, end);
      at = end + 1;
    }
    held = bytes.subarray(at);
    if (held.length > mostLineBytes) throw new TsrunError('ERR_TSRUN_STATE', `a line of more than ${mostLineBytes} bytes came over the socket of a formation`);
  }
}
