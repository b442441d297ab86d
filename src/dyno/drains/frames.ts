/** The forms in which lines leave a formation. */
import { formatLogLine, logLineJson, timestamp, type LogLine } from '../log/line.js';

/** local7.info and local0.info, as Heroku has them for programs and for itself, and local3.info for its router. */
const priorities = { app: 190, heroku: 134 } as const;
const routerPriority = 158;

function priority({ source, dyno }: LogLine): number {
  return source === 'heroku' && dyno === 'router' ? routerPriority : priorities[source];
}

/**
 * A line in a frame of logplex, as an HTTPS drain of Heroku gets it: counted in bytes with its line break, and without the structured
 * data that RFC 5424 asks for.
 *
 * @example
 * import { logplexFrame } from 'tsrun';
 * console.log(logplexFrame({ timeMs: 0, source: 'app', dyno: 'web.1', message: 'hello' }).trimEnd()); // 63 <190>1 1970-01-01T00:00:00.000000+00:00 host app web.1 - hello
 */
export function logplexFrame(line: LogLine): string {
  const { timeMs, source, dyno, message } = line;
  return counted(`<${priority(line)}>1 ${timestamp(timeMs)} host ${source} ${dyno} - ${message}\n`);
}

/** A line as RFC 5424 has it, without frame; the drain's token stands for the host, as in Heroku's syslog drains. */
export function syslogMessage(line: LogLine, token: string): string {
  const { timeMs, source, dyno, message } = line;
  return `<${priority(line)}>1 ${timestamp(timeMs)} ${token} ${source} ${dyno} - - ${message}`;
}

/** RFC 6587, 3.4.1. */
export function counted(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

/** RFC 6587, 3.4.2: what ends a message must not stand in it. */
export function endedByLineFeed(message: string): string {
  return `${message.includes('\n') ? message.replaceAll('\n', ' ') : message}\n`;
}

/** Of a file. */
export type FileForm = 'text' | 'json' | 'docker' | 'syslog' | 'logplex';

export const fileForms: Readonly<Record<FileForm, (line: LogLine, token: string) => string>> = {
  text: (line) => `${formatLogLine(line)}\n`,
  json: (line) => `${logLineJson(line)}\n`,
  docker: (line) => `${dockerJson(line)}\n`,
  syslog: (line, token) => endedByLineFeed(syslogMessage(line, token)),
  logplex: logplexFrame,
};

/**
 * A line as docker's log driver `json-file` writes it, without line break: `log` ends with a line feed unless the line goes on, and `attrs` say of whom it is. What
 * the platform says has no stream.
 *
 * @example
 * import { dockerJson } from 'tsrun';
 * console.log(dockerJson({ timeMs: 0, source: 'app', dyno: 'web.1', message: 'hello', stream: 'stdout' })); // {"log":"hello\n","stream":"stdout","attrs":{"source":"app","dyno":"web.1"},"time":"1970-01-01T00:00:00.000000Z"}
 */
export function dockerJson({ timeMs, source, dyno, message, stream, partial }: LogLine): string {
  return JSON.stringify({ log: partial?.last === false ? message : `${message}\n`, stream, attrs: { source, dyno }, time: timestamp(timeMs).replace('+00:00', 'Z') });
}
