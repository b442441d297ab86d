/** What goes wrong, where engines look for it: a line of the log file, in runc's form, and standard error. */
import { constants, writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';
import type { Settings } from './settings.js';

type Destination = Pick<Settings, 'log' | 'logFormat'>;

const append = 0o2000;
let destination: Destination = { log: undefined, logFormat: 'text' };

/** From now on lines go there. */
export function logTo(settings: Destination): void {
  destination = settings;
}

export function logError(message: string): void {
  appendLine('error', message);
  // With a log runc tells the caller too; who does not listen there (a shim that gave a pipe away: EPIPE) has the log.
  try {
    print(2, `${message}\n`);
  } catch {
    // There is nobody to tell.
  }
}

/** What went wrong and changes nothing: into the log alone, since standard error is the container's as well. */
export function logWarning(message: string): void {
  appendLine('warning', message);
}

function appendLine(level: 'error' | 'warning', message: string): void {
  const { log, logFormat } = destination;
  if (log === undefined) return;
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const line = logFormat === 'json' ? JSON.stringify({ level, msg: message, time }) : `time="${time}" level=${level} msg=${JSON.stringify(message)}`;
  const file = host.open(log, constants.O_WRONLY | constants.O_CREAT | append, 0o644);
  writeWhole(file, host.encode(`${line}\n`));
  host.close(file);
}

export function print(stream: 1 | 2, text: string): void {
  writeWhole(stream, host.encode(text));
}
