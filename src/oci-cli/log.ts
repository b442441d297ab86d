/** What goes wrong, where engines look for it: a line of the log file, in runc's form, and standard error. With `--debug` also what is done. */
import { constants, writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';

export interface LogSettings {
  readonly log: string | undefined;
  readonly logFormat: 'text' | 'json';
  readonly debug: boolean;
}

type Level = 'error' | 'warning' | 'debug';

const append = 0o2000;
let settings: LogSettings = { log: undefined, logFormat: 'text', debug: false };

/** From now on lines go there. */
export function logTo(given: LogSettings): void {
  settings = given;
}

export function logError(message: string): void {
  if (settings.log !== undefined) appendLine(settings.log, lineOf('error', message));
  // With a log runc tells the caller too; who does not listen there (a shim that gave a pipe away: EPIPE) has the log.
  try {
    print(2, `${message}\n`);
  } catch {
    // There is nobody to tell.
  }
}

/** What went wrong and changes nothing: into the log alone, since standard error is the container's as well. */
export function logWarning(message: string): void {
  if (settings.log !== undefined) appendLine(settings.log, lineOf('warning', message));
}

export function logDebug(message: string): void {
  if (!settings.debug) return;
  const line = lineOf('debug', message);
  if (settings.log === undefined) print(2, `${line}\n`);
  else appendLine(settings.log, line);
}

function lineOf(level: Level, message: string): string {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return settings.logFormat === 'json' ? JSON.stringify({ level, msg: message, time }) : `time="${time}" level=${level} msg=${JSON.stringify(message)}`;
}

function appendLine(path: string, line: string): void {
  const file = host.open(path, constants.O_WRONLY | constants.O_CREAT | append, 0o644);
  writeWhole(file, host.encode(`${line}\n`));
  host.close(file);
}

export function print(stream: 1 | 2, text: string): void {
  writeWhole(stream, host.encode(text));
}
