/** The metrics of a formation on a socket of this machine, for who scrapes them. */
import { once } from 'node:events';
import { existsSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect, isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { definitionFile } from '../../container/state/formation-folders.js';
import { randomDigits } from '../../container/state/random.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { Faults } from '../../spec/faults.js';
import { show } from '../../spec/quote.js';
import { anyOf, integer, strictObject, text, type Shape } from '../../spec/shape.js';
import { openMetricsType } from './open-metrics.js';

/** A path is that of a Unix socket, a host an address of the loopback. */
export type MetricsAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** sun_path of unix(7), without the NUL at its end. */
const mostPathBytes = 107;
const socketPath = text('the path of a Unix socket, of 1 to 107 bytes', { test: (path: string) => path !== '' && Buffer.byteLength(path) <= mostPathBytes });
const loopback = text('an address of the loopback', { test: (host: string) => host === '::1' || (isIP(host) === 4 && host.startsWith('127.')) });
export const metricsAddress: Shape<MetricsAddress> = anyOf(
  strictObject<{ readonly path: string }>({ path: socketPath }),
  strictObject<{ readonly host: string; readonly port: number }>({ host: loopback, port: integer(0, 65_535) }),
);

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
 * @param address port 0 takes one that is free; what stands at the path is not replaced, but for the socket of a process that was killed
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
  if ('path' in wanted) checkFolder(wanted.path);
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    answer(formation, request, response).catch(() => response.destroy());
  });
  try {
    await listen(server, wanted).catch(async (error: unknown) => {
      if (!('path' in wanted) || errnoName(error) !== 'EADDRINUSE' || !(await removeLeftOver(wanted.path))) throw error;
      await listen(server, wanted);
    });
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_HOST', `metrics cannot be served at ${show('path' in wanted ? wanted.path : `${wanted.host} port ${wanted.port}`)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'choose another address' });
  }
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

async function listen(server: Server, address: MetricsAddress): Promise<void> {
  server.listen(address);
  await once(server, 'listening');
}

/** A socket that nobody answers at, and not one that somebody else has put into its place meanwhile: whether it is gone. */
async function removeLeftOver(path: string): Promise<boolean> {
  const seen = lstatSync(path, { bigint: true });
  if (!seen.isSocket() || !(await isRefused(path))) return false;
  const aside = `${path}.${randomDigits(8)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    return errnoName(error) === 'ENOENT';
  }
  // A file's number may be given again at once, and a rename changes its ctime (inode(7)).
  const { ino, mtimeNs } = lstatSync(aside, { bigint: true });
  const isIt = ino === seen.ino && mtimeNs === seen.mtimeNs;
  if (!isIt) linkSync(aside, path);
  rmSync(aside);
  return isIt;
}

async function isRefused(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return errnoName(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
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

/** In the folder of a formation stands the socket of its agent, and what another owner needs to know: nobody else puts anything there. */
function checkFolder(path: string): void {
  if (!existsSync(join(dirname(path), definitionFile))) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `metrics are not served at ${show(path)}, in the folder of a formation`, { field: '/address', hint: 'choose another folder' });
}

function checkAddress(address: MetricsAddress, given?: string): MetricsAddress {
  const faults = new Faults();
  metricsAddress.check(address, '', faults);
  if (faults.list.length === 0) return address;
  const said = given ?? ('path' in address ? address.path : `${address.host}:${address.port}`);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `metrics are not served at ${show(said)}`, { field: '/address', hint: 'write 127.0.0.1:9394, [::1]:9394, or the path of a Unix socket' });
}
