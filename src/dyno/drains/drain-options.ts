/** What a drain may be asked for, and the check of it. */
import { TsrunError } from '../../spec/errors.js';
import { boolean, integer, optional, strictObject, text, type Shape } from '../../spec/shape.js';
import type { LogSink } from './function-sink.js';
import { parseDrainUrl } from './target.js';

/** A drain of a formation's log. */
export interface DrainOptions {
  /**
   * A URL: `https://user:password@host/path` (`http:` to this machine alone), `syslog://host:514`, `syslog+tls://host:6514`,
   * `syslog+udp://host:514`, `file:///path?max=10m&keep=5`, `journald:`; or a function.
   */
  readonly to: string | LogSink;
  /** What the receiver knows it by. Default: `d.` and a random UUID. */
  readonly token?: string;
  /** Who may vouch for the receiver, as certificates in PEM form. Default: whom this machine trusts. */
  readonly ca?: string;
  /** Bytes of lines that wait. Default 8 MiB; when it is full the oldest go. */
  readonly bufferBytes?: number;
  /** Nothing is dropped: dynos that print faster than the drain takes are made to wait. Default false. */
  readonly blocks?: boolean;
}

/** In short, where the defaults will do. */
export type DrainChoice = string | LogSink | DrainOptions;

const destination: Shape<string | LogSink> = { expects: 'the URL of a drain or a function', check: checkDestination };

const options = strictObject<DrainOptions>({
  to: destination,
  token: optional(text('a token of 1 to 64 letters, digits, "_", "." and "-"', /^[\w.-]{1,64}$/)),
  ca: optional(text('certificates in PEM form', /-----BEGIN (?:[A-Z0-9]+ )?CERTIFICATE-----/)),
  bufferBytes: optional(integer(1024, 2 ** 40)),
  blocks: optional(boolean),
});

export const drainChoice: Shape<DrainChoice> = {
  expects: 'the URL of a drain, a function or an object',
  check(value, at, faults) {
    (typeof value === 'object' ? options : destination).check(value, at, faults);
  },
};

/** The URL itself is not shown: it may hold a password. */
function checkDestination(...[value, at, faults]: Parameters<Shape<string | LogSink>['check']>): void {
  if (typeof value === 'function') return;
  if (typeof value !== 'string') {
    faults.expected(at, destination.expects, value);
    return;
  }
  try {
    parseDrainUrl(value);
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    faults.add(at, error.message, error.hint);
  }
}
