/** What goes wrong, where engines look for it: a line of the log file, in runc's form, and standard error. With `--debug` also what is done. */
import { logTarget, type Level, type LogTarget } from './log-target.js';
import { writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';

export interface LogSettings {
  readonly log: string | undefined;
  readonly logFormat: 'text' | 'json';
  readonly debug: boolean;
}

let settings: LogSettings = { log: undefined, logFormat: 'text', debug: false };
let target: LogTarget | undefined;

/** From now on lines go there. */
export function logTo(given: LogSettings): void {
  settings = given;
  target = given.log === undefined ? undefined : logTarget(given.log);
}

export function logError(message: string): void {
  target?.('error', message, lineOf);
  // With a log runc tells the caller too; who does not listen there (a shim that gave a pipe away: EPIPE) has the log.
  try {
    print(2, `${message}\n`);
  } catch {
    // There is nobody to tell.
  }
}

/** What went wrong and changes nothing: into the log alone, since standard error is the container's as well. */
export function logWarning(message: string): void {
  target?.('warning', message, lineOf);
}

/** For who has much to tell. */
export function isDebug(): boolean {
  return settings.debug;
}

export function logDebug(message: string): void {
  if (!settings.debug) return;
  if (target === undefined) print(2, `${lineOf('debug', message)}\n`);
  else target('debug', message, lineOf);
}

function lineOf(level: Level, message: string): string {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return settings.logFormat === 'json' ? JSON.stringify({ level, msg: message, time }) : `time="${time}" level=${level} msg=${JSON.stringify(message)}`;
}

export function print(stream: 1 | 2, text: string): void {
  writeWhole(stream, host.encode(text));
}
