/** `8080:5000`: what docker's `--publish` takes, of TCP and of one port. */
import { TsrunError } from '../../spec/errors.js';
import { ipFamily } from '../../spec/ip-family.js';
import { show } from '../../spec/quote.js';
import type { PublishOptions } from './options.js';

const form = /^(?:(?:\[(?<six>[^\]]*)\]|(?<four>[^:[\]]*)):)?(?:(?<port>\d*):)?(?<inner>\d{1,5})(?:\/(?<protocol>\w+))?$/;

/**
 * A port of the host and the port that dynos listen on; without an address, only this host reaches it.
 *
 * @param text `[ADDRESS:][PORT:]INNERPORT[/tcp]`, IPv6 addresses in brackets; without `PORT` it is one that is free
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`; `ERR_TSRUN_UNSUPPORTED` for another protocol than TCP
 *
 * @example
 * import { parsePublish } from 'tsrun';
 * console.log(parsePublish('0.0.0.0:8080:5000')); // { host: '0.0.0.0', port: 8080, innerPort: 5000 }
 */
export function parsePublish(text: string): PublishOptions {
  const { six, four, port = '', inner = '', protocol = 'tcp' } = wordsOf(text);
  if (protocol !== 'tcp') throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${show(text)}: connections are TCP`, { field: '/publish', hint: `leave out /${protocol}` });
  const host = six ?? four;
  if (host !== undefined && ipFamily(host) !== (six === undefined ? 4 : 6)) throw fault(text, `${show(host)} is no address`);
  return { ...(host !== undefined && { host }), port: portOf(port === '' ? '0' : port, 0, text), innerPort: portOf(inner, 1, text) };
}

/** A single colon stands before a port of the host, two stand around one. */
function wordsOf(text: string): Readonly<Record<string, string | undefined>> {
  const hasAddress = text.startsWith('[') || text.split(':').length === 3;
  const found = form.exec(hasAddress ? text : `127.0.0.1:${text.includes(':') ? '' : ':'}${text}`);
  if (found?.groups === undefined) throw fault(text, 'expected [ADDRESS:][PORT:]INNERPORT');
  return hasAddress ? found.groups : { ...found.groups, four: undefined };
}

function portOf(digits: string, least: number, text: string): number {
  const port = Number(digits);
  if (port < least || port > 65_535) throw fault(text, `${show(digits)} is no port`);
  return port;
}

function fault(text: string, message: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${show(text)}: ${message}`, { field: '/publish', hint: 'write 8080:5000, or 127.0.0.1:8080:5000' });
}
