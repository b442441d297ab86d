/** Ports of dynos that have no network of their own: each listens on another one of the host's. */
import { TsrunError } from '../spec/errors.js';

/** As many dynos as a type can have. */
const apart = 1000;
const last = 65_535;

/** Of one, by its number; `isTwin`: it is there beside another of that number. */
export function hostPort(first: number, number: number, isTwin: boolean): number {
  const port = first + number - 1;
  return isTwin ? port + (port + apart > last ? -apart : apart) : port;
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function checkHostPorts(first: number, count: number): void {
  if (first + count - 1 <= last) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there are not ${count} ports from ${first} on`, { field: '/port', hint: 'with the network host each dyno of web has a port of its own: begin with a lower one' });
}
