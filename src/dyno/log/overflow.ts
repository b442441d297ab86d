/** What a log says of its own losses: the lines of logplex and log-shuttle, to the letter (Dev Center, "Error codes"). */
import { timestamp, type LogLine } from './line.js';

export interface Loss {
  /** Lines. */
  readonly count: number;
  /** Of the first that is missing, milliseconds since 1970. */
  readonly sinceMs: number;
  /** When it is told. */
  readonly timeMs: number;
}

export type Overflow = (loss: Loss) => LogLine;

/** A drain over the network is slower than what is printed. */
export const drainOverflow: Overflow = ({ count, sinceMs, timeMs }) =>
  logplex(timeMs, `Error L10 (output buffer overflow): ${count} messages dropped since ${seconds(sinceMs)}.`);

/** Somebody reads the log too slowly. */
export const tailOverflow: Overflow = ({ count, sinceMs, timeMs }) =>
  logplex(timeMs, `L11 (Tail buffer overflow) -> This tail session dropped ${count} messages since ${seconds(sinceMs)}`);

/** What stays on this machine is slower than what is printed. */
export const localOverflow: Overflow = ({ count, sinceMs, timeMs }) =>
  ({ timeMs, source: 'app', dyno: 'log-shuttle', message: `Error L12: ${count} messages dropped since ${timestamp(sinceMs)}.` });

/** They were sent, and nobody has taken them. */
export const undelivered: Overflow = ({ count, sinceMs, timeMs }) =>
  ({ timeMs, source: 'app', dyno: 'log-shuttle', message: `Error L13: ${count} messages lost since ${timestamp(sinceMs)}.` });

export function logplex(timeMs: number, message: string): LogLine {
  return { timeMs, source: 'heroku', dyno: 'logplex', message };
}

/** Without the fraction. */
function seconds(timeMs: number): string {
  return timestamp(timeMs).replace(/\.\d+/, '');
}
