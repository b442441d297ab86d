/** The metrics of a formation on a socket of this machine, for who scrapes them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import { openMetricsType } from './open-metrics.js';

/** A path is that of a Unix socket, a host an address of the loopback. */
export type MetricsAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** A server that answers until it is disposed of. */
export interface MetricsServer extends AsyncDisposable {
  /** Where it listens, with the port that it got. */
  readonly address: MetricsAddress;
}

/**
 * An address in one word, as `--metrics` takes it: `127.0.0.1:9394`, `[::1]:9394`, or the path of a Unix socket with a slash in it.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
 */
export function parseMetricsAddress(text: string): MetricsAddress {
  if (text.includes('/')) return checkAddress({ path: text });
  const [, six, four, port = ''] = /^(?:\[([\da-f:]+)\]|([\d.]+)):(\d{1,5})$/i.exec(text) ?? [];
  return checkAddress({ host: six ?? four ?? '', port: port === '' ? -1 : Number(port) }, text);
}

/**
 * Serves what `Formation.metrics` says at `/metrics`, over HTTP. Nobody but this machine can ask: there is no password.
 *
 * @param address port 0 takes one that is free; a socket that stands at the path is not replaced
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for an address that is not of the loopback; `ERR_TSRUN_HOST` where nothing can listen there
 *
 * @example
 * import { Formation, Runtime, serveMetrics } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { processTypes: { worker: { command: 'sleep 1000' } }, quantities: { worker: 1 } });
 * await using server = await serveMetrics(formation, { host: '127.0.0.1', port: 0 });
 * const port = 'port' in server.address ? server.address.port : 0;
 * const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
 * console.log(text.split('\n')[0]); // # TYPE tsrun_dyno_up gauge
 */
export async function serveMetrics(formation: { readonly metrics: () => Promise<string> }, address: MetricsAddress): Promise<MetricsServer> {
  const wanted = checkAddress(address);
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    answer(formation, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new TsrunError('ERR_TSRUN_HOST', `metrics cannot be served at ${show('path' in wanted ? wanted.path : `${wanted.host} port ${wanted.port}`)}: ${cause.message}`, { cause, hint: 'choose another address' }));
    });
    server.listen(wanted, resolve);
  });
  const bound = server.address();
  return {
    address: typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : wanted,
    [Symbol.asyncDispose]: async () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(formation: { readonly metrics: () => Promise<string> }, { method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = url?.split('?')[0];
  const status = path !== '/metrics' ? 404 : method === 'GET' || method === 'HEAD' ? 200 : 405;
  if (status !== 200) {
    response.writeHead(status, { 'content-type': 'text/plain', ...(status === 405 && { allow: 'GET, HEAD' }) }).end(status === 404 ? 'see /metrics\n' : '');
    return;
  }
  const text = await formation.metrics();
  response.writeHead(200, { 'content-type': openMetricsType, 'content-length': Buffer.byteLength(text) }).end(method === 'HEAD' ? '' : text);
}

function checkAddress(address: MetricsAddress, given?: string): MetricsAddress {
  const refuse = (what: string): TsrunError => new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `metrics are not served at ${show(given ?? what)}`, { field: '/address', hint: 'write 127.0.0.1:9394, [::1]:9394, or the path of a Unix socket' });
  if ('path' in address) {
    // sun_path of unix(7), with the NUL at its end.
    if (address.path === '' || address.path.includes('\0') || Buffer.byteLength(address.path) > 107) throw refuse(address.path);
    return { path: address.path };
  }
  const { host, port } = address;
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!isLoopback || !Number.isInteger(port) || port < 0 || port > 65_535) throw refuse(`${host}:${port}`);
  return { host, port };
}
