/**
 * What a formation's owner and others say to each other over its socket: one request a connection, as a line of JSON; answered by lines,
 * of which the last one is `end` or `error`.
 */
import type { Socket } from 'node:net';
import { signal } from '../../container/options/option-shapes.js';
import { Faults } from '../../spec/faults.js';
import { boolean, integer, number, object, oneOf, optional, record, strictObject, tagged, text, type Shape } from '../../spec/shape.js';
import { TsrunError } from '../../spec/errors.js';
import type { DynoState } from '../life-record.js';
import { redeployShape, type RedeployOptions } from '../redeploy.js';
import { restartShape, type RestartOptions } from '../serving/options.js';
import { oneOffCommand, oneOffShape, type OneOffCommand, type OneOffOptions } from '../one-off/one-off-options.js';

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

/** What is asked of one one-off dyno: how it ends, to be its client, that it ends. */
export interface OneOffRequest<Op extends string> {
  readonly op: Op;
  readonly oneOff: string;
}

export type Request =
  | { readonly op: 'dynos' }
  | { readonly op: 'one-offs' }
  | { readonly op: 'stop' }
  | { readonly op: 'run'; readonly command: OneOffCommand; readonly options: OneOffOptions }
  | { readonly op: 'kill'; readonly oneOff: string; readonly signal: string | number }
  | OneOffRequest<'wait'>
  | OneOffRequest<'attach'>
  | OneOffRequest<'end'>
  | { readonly op: 'scale'; readonly quantities: Readonly<Record<string, number>> }
  | { readonly op: 'restart'; readonly which?: string; readonly options?: RestartOptions }
  | { readonly op: 'redeploy'; readonly options: RedeployOptions }
  | LogRequest;

/** How a dyno has ended, as another process is told of it. */
export interface DynoEnd {
  /** As `Death.cause`. */
  readonly cause: string;
  /** As `Death.code`. */
  readonly code: number;
}

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
  /** How it ended last. */
  readonly lastDeath?: DynoEnd;
}

/** What the client of a one-off dyno is told first. */
export interface Welcome {
  readonly hasTerminal: boolean;
}

/** What the client of a one-off dyno says once it is attached. Each `type` is answered by `taken`, and the next one waits for that. */
export type ClientWord =
  | { readonly say: 'type'; readonly base64: string }
  | { readonly say: 'size'; readonly rows: number; readonly columns: number }
  /** Nothing more is typed. */
  | { readonly say: 'end' }
  | { readonly say: 'detach' };

/** The socket, in the folder of the formation. */
export const socketName = 'agent';
/** A line of the log has 10,000 bytes, of which JSON may make six times as many. */
export const mostLineBytes = 128 * 1024;
/** What is typed and printed, before it is base64. */
const mostPieceBytes = 64 * 1024;

const time = number(0, Number.MAX_SAFE_INTEGER);
const name = text('the name of a dyno or of a process type', /^[\w-]{1,63}(?:\.\d{1,4})?$/);

const oneOffName = text('the name of a one-off dyno', /^.{1,100}$/);

const request: Shape<Request> = tagged('op', {
  dynos: strictObject<{ readonly op: 'dynos' }>({ op: oneOf('an operation', ['dynos']) }),
  'one-offs': strictObject<{ readonly op: 'one-offs' }>({ op: oneOf('an operation', ['one-offs']) }),
  stop: strictObject<{ readonly op: 'stop' }>({ op: oneOf('an operation', ['stop']) }),
  run: strictObject<Extract<Request, { op: 'run' }>>({ op: oneOf('an operation', ['run']), command: oneOffCommand, options: oneOffShape }),
  wait: strictObject<OneOffRequest<'wait'>>({ op: oneOf('an operation', ['wait']), oneOff: oneOffName }),
  attach: strictObject<OneOffRequest<'attach'>>({ op: oneOf('an operation', ['attach']), oneOff: oneOffName }),
  end: strictObject<OneOffRequest<'end'>>({ op: oneOf('an operation', ['end']), oneOff: oneOffName }),
  kill: strictObject<Extract<Request, { op: 'kill' }>>({ op: oneOf('an operation', ['kill']), oneOff: oneOffName, signal }),
  scale: strictObject<Extract<Request, { op: 'scale' }>>({ op: oneOf('an operation', ['scale']), quantities: record(integer(0, 1000)) }),
  restart: strictObject<Extract<Request, { op: 'restart' }>>({ op: oneOf('an operation', ['restart']), which: optional(name), options: optional(restartShape) }),
  redeploy: strictObject<Extract<Request, { op: 'redeploy' }>>({ op: oneOf('an operation', ['redeploy']), options: redeployShape }),
  logs: strictObject<LogRequest>({ op: oneOf('an operation', ['logs']), past: optional(integer(0, Number.MAX_SAFE_INTEGER)), sinceMs: optional(time), dyno: optional(name), follow: boolean }),
});

export const dynoEnd: Shape<DynoEnd> = object<DynoEnd>({ cause: text(), code: integer(0, 255) });

/** What a later version says more is passed over. */
export const dynoSummary: Shape<DynoSummary> = object<DynoSummary>({
  name: text(),
  type: text(),
  number: integer(1, Number.MAX_SAFE_INTEGER),
  state: oneOf('a state', ['provisioning', 'starting', 'up', 'idle', 'crashed', 'down', 'complete']),
  sinceMs: time,
  command: text(),
  container: optional(text()),
  pid: optional(integer(0, 2 ** 31)),
  crashes: integer(0, Number.MAX_SAFE_INTEGER),
  restarts: integer(0, Number.MAX_SAFE_INTEGER),
  nextRestartAtMs: optional(time),
  lastDeath: optional(dynoEnd),
});

export const welcome: Shape<Welcome> = object<Welcome>({ hasTerminal: boolean });

const side = integer(0, 65_535);

export const clientWord: Shape<ClientWord> = tagged('say', {
  type: strictObject<Extract<ClientWord, { say: 'type' }>>({ say: oneOf('a word', ['type']), base64: text() }),
  size: strictObject<Extract<ClientWord, { say: 'size' }>>({ say: oneOf('a word', ['size']), rows: side, columns: side }),
  end: strictObject<Extract<ClientWord, { say: 'end' }>>({ say: oneOf('a word', ['end']) }),
  detach: strictObject<Extract<ClientWord, { say: 'detach' }>>({ say: oneOf('a word', ['detach']) }),
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

/** Of a size that fits into a line as base64. */
export function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += mostPieceBytes) yield bytes.subarray(at, at + mostPieceBytes);
}

/** Waits for who reads slowly, and not for who has gone. */
export async function send(socket: Socket, value: object): Promise<void> {
  if (socket.destroyed || socket.write(`${JSON.stringify(value)}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close']) socket.removeListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'close']) socket.on(event, done);
  });
}
