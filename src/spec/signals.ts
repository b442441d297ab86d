/** Signals of Linux by name and number (signal(7); x86_64 and arm64 use the same numbers). */

import { TsrunError, nearest } from './errors.js';
import { show } from './quote.js';

/** The standard signals: the index is the number minus one. */
const standard = [
  ['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM', 'TERM', 'STKFLT'],
  ['CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH', 'IO', 'PWR', 'SYS'],
].flat();

const aliases = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 };

/** What programs mean by SIGRTMIN: the kernel's is 32, of which libc keeps the first two for its threads. */
const realtimeLeast = 34;
const realtimeMost = 64;

const numbers = new Map<string, number>([
  ...standard.map((name, index): [string, number] => [name, index + 1]),
  ...Object.entries(aliases),
]);

/** The number for `SIGTERM`, `TERM`, `term`, `15`, `RTMIN+3` or `RTMAX-1`; undefined for anything else. */
export function readSignal(text: string): number | undefined {
  if (/^[1-9]\d?$/.test(text)) return Number(text) <= realtimeMost ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)((?:\+|-)\d{1,2})?$/.exec(name) ?? [];
  if (base === undefined) return numbers.get(name);
  const number = (base === 'RTMIN' ? realtimeLeast : realtimeMost) + Number(offset);
  const outwards = (base === 'RTMIN') === offset.startsWith('-') && offset !== '0';
  return outwards || number < realtimeLeast || number > realtimeMost ? undefined : number;
}

/**
 * The number of a signal: of `SIGTERM`, `term`, `15`, `RTMIN+3` (signal(7); the same on x86_64 and arm64).
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT when it is not a signal
 */
export function parseSignal(signal: string | number): number {
  const number = readSignal(String(signal));
  if (number !== undefined) return number;
  const near = nearestSignal(String(signal));
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `unknown signal ${show(signal)}, expected a name or a number from 1 to 64`, {
    hint: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}

/** The name that was probably meant. */
export function nearestSignal(text: string): string | undefined {
  const near = nearest(text.toUpperCase().replace(/^SIG/, ''), numbers.keys());
  return near === undefined ? undefined : `SIG${near}`;
}

/** `SIGTERM` for 15, `SIGRTMIN+1` for 35; the number itself where there is no name. */
export function signalName(number: number): string {
  const name = standard[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < realtimeLeast || number > realtimeMost) return String(number);
  return number === realtimeLeast ? 'SIGRTMIN' : `SIGRTMIN+${number - realtimeLeast}`;
}
