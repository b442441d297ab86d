/** Where lines of `--log` go: a file, or one of crun's destinations, `file:PATH`, `journald:IDENTIFIER` and `syslog:IDENTIFIER`. */
import { asNode, constants, writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';

export type Level = 'error' | 'warning' | 'debug';

/** `format` gives the line of a file; the others keep level and time themselves. */
export type LogTarget = (level: Level, message: string, format: (level: Level, message: string) => string) => void;

/** syslog(3): err, warning, debug. */
const priorities: Readonly<Record<Level, number>> = { error: 3, warning: 4, debug: 7 };
/** LOG_USER of syslog(3). */
const facility = 1 << 3;
const ownName = 'tsrun-oci';

/** Any other text is a path, which may have a colon in it. */
export function logTarget(destination: string): LogTarget {
  const [, kind, rest = ''] = /^(file|journald|syslog):(.*)$/s.exec(destination) ?? [];
  const name = rest === '' ? ownName : rest;
  if (kind === 'journald') return (level, message) => { sendDatagram('/run/systemd/journal/socket', journalEntry(level, message, name)); };
  if (kind === 'syslog') return (level, message) => { sendDatagram('/dev/log', syslogLine(level, message, name)); };
  const path = kind === 'file' ? rest : destination;
  // Nothing is done that could not be told of. It does not stay open, lest it be taken for one of those that --preserve-fds counts.
  host.close(openLog(path));
  return (level, message, format) => { appendLine(path, format(level, message)); };
}

function openLog(path: string): number {
  return asNode(path, () => host.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o644));
}

function appendLine(path: string, line: string): void {
  const file = openLog(path);
  writeWhole(file, host.encode(`${line}\n`));
  host.close(file);
}

/** systemd.io, "Native Journal Protocol": a text with line breaks goes with its length before it. */
function journalEntry(level: Level, message: string, name: string): Uint8Array {
  const text = host.encode(message);
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true);
  const head = host.encode(`PRIORITY=${priorities[level]}\nSYSLOG_IDENTIFIER=${oneLine(name)}\nMESSAGE\n`);
  return join([head, size, text, host.encode('\n')]);
}

/** As syslog(3) of the C library writes it, with the local time. */
function syslogLine(level: Level, message: string, name: string): Uint8Array {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, '0');
  const month = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')[now.getMonth()] ?? '';
  const time = `${month} ${String(now.getDate()).padStart(2)} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return host.encode(`<${facility | priorities[level]}>${time} ${oneLine(name)}: ${oneLine(message)}`);
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Where nobody listens lines are lost, as sd_journal_send(3) and syslog(3) have it; errors go to standard error too. */
function sendDatagram(path: string, bytes: Uint8Array): void {
  try {
    const socket = host.connectDatagram(path);
    host.send(socket, bytes, []);
    host.close(socket);
  } catch {
    // There is nobody to tell.
  }
}
