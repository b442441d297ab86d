/**
 * HTTP to whoever serves a registry. It is undici's `request`, not the built-in fetch, which can neither take a certificate authority
 * for one host nor a client's certificate, follows redirects with what it should not tell, and hides where a body stalls. Node's own
 * `https` could all that with some two hundred lines of ours for timeouts that know back-pressure, proxies and pools; undici has them. It
 * is loaded by the first request.
 */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { TsrunError } from '../../spec/errors.js';
import { variable, type RegistryHost } from './registry-host.js';
import { secureContextFor } from './tls-files.js';

/** What was answered; `body` is to be read or destroyed. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** One question to one server. */
export interface HttpQuestion {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

const maxHeaderSize = 32_768;
/** Of one server. */
const connections = 16;

/** Keeps connections open, one pool for each server. */
export class Transport {
  readonly #host: RegistryHost;
  readonly #insecure: boolean;
  readonly #pools = new Map<string, Promise<Dispatcher>>();
  #isClosed = false;

  /** @param insecure certificates need nobody who vouches for them */
  constructor(host: RegistryHost, insecure: boolean) {
    this.#host = host;
    this.#insecure = insecure;
  }

  /** Redirects are not followed, statuses not judged. */
  async send(url: URL, { method = 'GET', headers = {}, body, signal }: HttpQuestion = {}): Promise<HttpAnswer> {
    if (this.#isClosed) throw new TsrunError('ERR_TSRUN_REGISTRY', 'the image was closed', { hint: 'resolve it anew' });
    const { request } = await import('undici');
    const dispatcher = await this.#pool(url);
    const answer = await request(url, { dispatcher, method, headers: { 'user-agent': 'tsrun', ...headers }, body: body ?? null, signal: signal ?? null });
    // A body that is thrown away unread says so by an error that nobody waits for.
    answer.body.on('error', () => undefined);
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  }

  /** Ends what is under way, for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#pools.values()].map(async (pool) => (await pool).destroy()));
  }

  #pool(url: URL): Promise<Dispatcher> {
    const known = this.#pools.get(url.origin);
    if (known !== undefined) return known;
    const pool = this.#newPool(url);
    this.#pools.set(url.origin, pool);
    return pool;
  }

  async #newPool(url: URL): Promise<Dispatcher> {
    const { Agent, EnvHttpProxyAgent } = await import('undici');
    const { connectMs, headersMs, stallMs } = this.#host.timeouts;
    const tls = url.protocol === 'https:' ? { secureContext: await secureContextFor(url.host, this.#host) } : {};
    // `rejectUnauthorized` is said in either case: NODE_TLS_REJECT_UNAUTHORIZED of the embedder is not about registries.
    const connect = { ...tls, rejectUnauthorized: !this.#insecure, timeout: connectMs };
    const options = { connect, connections, maxHeaderSize, headersTimeout: headersMs, bodyTimeout: stallMs };
    const proxies = isLoopback(url.hostname) ? undefined : this.#proxies();
    return proxies === undefined ? new Agent(options) : new EnvHttpProxyAgent({ ...options, ...proxies, requestTls: connect });
  }

  #proxies(): { httpProxy: string; httpsProxy: string; noProxy: string } | undefined {
    const either = (name: string) => variable(this.#host, name) ?? variable(this.#host, name.toUpperCase()) ?? '';
    const [httpProxy, httpsProxy, noProxy] = [either('http_proxy'), either('https_proxy'), either('no_proxy')];
    return httpProxy === '' && httpsProxy === '' ? undefined : { httpProxy, httpsProxy, noProxy };
  }
}

/** Of a URL or reference, without port. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The value of a header that may stand once. */
export function headerOf(answer: HttpAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
}
