/** A line of a dyno's log, and its forms. */

/** Which part of a line that was too long: what docker's log drivers say of it, to whoever puts it together again. */
export interface PartialLine {
  /** That all parts of the line have, and no other line. */
  readonly id: string;
  /** From 1. */
  readonly ordinal: number;
  /** The line ends with it. False in the last part that there is: the program has ended without a line break. */
  readonly last: boolean;
}

/** What a dyno has printed (`app`), or what became of it (`heroku`, as the platform is called in logs since there are such). */
export interface LogLine {
  /** Milliseconds since 1970, with a fraction. */
  readonly timeMs: number;
  /** Who says it: the program, or the platform. */
  readonly source: 'app' | 'heroku';
  /** `web.1`; `logplex` for what the log says of itself. */
  readonly dyno: string;
  /** Without line break; what is no UTF-8 stands as U+FFFD. */
  readonly message: string;
  /** Where the program has printed it; of lines in docker's form (`FormationOptions.logLines`). */
  readonly stream?: 'stdout' | 'stderr';
  /** In docker's form, of a line of more than 16 KiB. */
  readonly partial?: PartialLine;
}

/** RFC 3339 with microseconds, as `heroku logs` prints it: `2010-09-16T15:13:46.677020+00:00`. */
export function timestamp(timeMs: number): string {
  const us = Math.floor(timeMs * 1000);
  const whole = new Date(Math.floor(us / 1000)).toISOString().slice(0, -1);
  return `${whole}${String(us % 1000).padStart(3, '0')}+00:00`;
}

/**
 * `2010-09-16T15:13:46.677020+00:00 app[web.1]: message`, without line break, as it is: control characters of the program too.
 *
 * @example
 * import { formatLogLine } from 'tsrun';
 * console.log(formatLogLine({ timeMs: 0, source: 'app', dyno: 'web.1', message: 'hello' })); // 1970-01-01T00:00:00.000000+00:00 app[web.1]: hello
 */
export function formatLogLine({ timeMs, source, dyno, message }: LogLine): string {
  return `${timestamp(timeMs)} ${source}[${dyno}]: ${message}`;
}

/** The same as JSON on one line, without line break; in docker's form also `stream` and `partial`. */
export function logLineJson({ timeMs, source, dyno, message, stream, partial }: LogLine): string {
  return JSON.stringify({ time: timestamp(timeMs), source, dyno, stream, message, partial });
}
