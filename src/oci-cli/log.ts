/** Errors, where engines look for them: a line of the log file, in runc's form, and standard error. */
import { constants, writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';
import type { Settings } from './settings.js';

const append = 0o2000;

export function logError({ log, logFormat }: Pick<Settings, 'log' | 'logFormat'>, message: string): void {
  if (log === undefined) {
    print(2, `${message}\n`);
    return;
  }
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const line = logFormat === 'json' ? JSON.stringify({ level: 'error', msg: message, time }) : `time="${time}" level=error msg=${JSON.stringify(message)}`;
  // With a log runc tells the caller too.
  print(2, `${message}\n`);
  const file = host.open(log, constants.O_WRONLY | constants.O_CREAT | append, 0o644);
  writeWhole(file, host.encode(`${line}\n`));
  host.close(file);
}

export function print(stream: 1 | 2, text: string): void {
  writeWhole(stream, host.encode(text));
}
