/** An HTTPS drain as Heroku has them: batches of frames, each acknowledged by its answer (Dev Center, "Log Drains"). */
import type { Client } from 'undici';
import type { SecureContext } from 'node:tls';
import { logplexFrame } from './frames.js';
import { DeliveryError, type Batch, type Sink } from './sink.js';
import type { HttpTarget } from './target.js';

/** Refusals that are not about what was sent: try later (RFC 9110, RFC 6585). */
const passing = new Set([408, 425, 429]);
const mostRetryAfterS = 300;

export class HttpSink implements Sink {
  readonly limits = { mostLines: 500, gatherMs: 250, tryMs: 30_000 };
  readonly #target: HttpTarget;
  readonly #token: string;
  readonly #trust: () => Promise<SecureContext | undefined>;
  #client: Client | undefined;

  constructor(target: HttpTarget, token: string, trust: () => Promise<SecureContext | undefined>) {
    this.#target = target;
    this.#token = token;
    this.#trust = trust;
  }

  async deliver({ id, lines }: Batch, signal: AbortSignal): Promise<void> {
    const { url, authorization, name } = this.#target;
    this.#client ??= await this.#open();
    const { statusCode, headers, body } = await this.#client.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: {
        'content-type': 'application/logplex-1',
        'logplex-msg-count': String(lines.length),
        'logplex-frame-id': id,
        'logplex-drain-token': this.#token,
        'user-agent': 'Logplex/v72',
        ...(authorization !== undefined && { authorization }),
      },
      body: lines.map(logplexFrame).join(''),
      signal,
    });
    await body.dump();
    if (statusCode >= 200 && statusCode < 300) return;
    // As logplex has it: what the client did wrong it will do wrong again; all else may pass.
    const isPermanent = statusCode >= 400 && statusCode < 500 && !passing.has(statusCode);
    throw new DeliveryError(`${name}: it answered with status ${statusCode}`, { isPermanent, retryAfterMs: retryAfterMs(headers['retry-after']) });
  }

  async close(): Promise<void> {
    await this.#client?.destroy();
  }

  async #open(): Promise<Client> {
    const { Client } = await import('undici');
    const secureContext = await this.#trust();
    // `rejectUnauthorized` is said: NODE_TLS_REJECT_UNAUTHORIZED of the embedder is not about drains.
    return new Client(this.#target.url.origin, { connect: { ...(secureContext !== undefined && { secureContext }), rejectUnauthorized: true, timeout: 10_000 } });
  }
}

/** Seconds; the form with a date is taken as none. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Math.min(Number(header), mostRetryAfterS) * 1000 : undefined;
}
