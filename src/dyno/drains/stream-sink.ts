/** Syslog over TCP, with TLS or without (RFC 6587, RFC 5425). */
import { connect, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { counted, endedByLineFeed, syslogMessage } from './frames.js';
import { DeliveryError, type Batch, type Sink } from './sink.js';
import type { SyslogTarget } from './target.js';

export class StreamSink implements Sink {
  readonly limits = { mostLines: 1000, gatherMs: 0, tryMs: 60_000 };
  readonly #target: SyslogTarget;
  readonly #token: string;
  readonly #tls: (() => Promise<SecureContext>) | undefined;
  #socket: Socket | undefined;

  /** @param tls who may vouch for the receiver; undefined: nobody need */
  constructor(target: SyslogTarget, token: string, tls?: () => Promise<SecureContext>) {
    this.#target = target;
    this.#token = token;
    this.#tls = tls;
  }

  /** What the kernel has taken counts as delivered: these protocols have no answers. */
  async deliver({ lines }: Batch, signal: AbortSignal): Promise<void> {
    const frame = this.#target.framing === 'octets' ? counted : endedByLineFeed;
    const text = lines.map((line) => frame(syslogMessage(line, this.#token))).join('');
    const socket = this.#socket ?? (await this.#connect(signal));
    await new Promise<void>((resolve, reject) => {
      const fail = () => {
        this.#drop(socket);
        reject(socket.errored ?? new DeliveryError(`${this.#target.name}: the other side hung up`));
      };
      signal.addEventListener('abort', fail, { once: true });
      socket.once('close', fail);
      socket.write(text, (error) => {
        signal.removeEventListener('abort', fail);
        socket.removeListener('close', fail);
        if (error == null) resolve();
        else fail();
      });
      if (signal.aborted || socket.destroyed) fail();
    });
  }

  /** What was written still goes out. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => {
        resolve();
      });
      socket.end(() => {
        socket.destroy();
      });
    });
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const { host, port } = this.#target;
    const socket = this.#tls === undefined ? connect({ host, port }) : (await import('node:tls')).connect({ host, port, secureContext: await this.#tls(), rejectUnauthorized: true });
    const forget = () => {
      this.#drop(socket);
    };
    // Errors are told to who waits; what comes between two batches shows with the next.
    socket.on('error', forget);
    socket.on('close', forget);
    socket.setKeepAlive(true, 60_000);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once(this.#tls === undefined ? 'connect' : 'secureConnect', () => {
          resolve();
        });
        socket.once('error', reject);
        socket.once('close', () => {
          reject(new DeliveryError(`${this.#target.name}: the other side hung up`));
        });
        const stop = () => {
          socket.destroy(new DeliveryError(`${this.#target.name}: no connection came about in time`));
        };
        signal.addEventListener('abort', stop, { once: true });
        if (signal.aborted) stop();
      });
    } catch (error) {
      forget();
      throw error;
    }
    // A receiver has nothing to say, but its end is to be seen.
    socket.resume();
    this.#socket = socket;
    return socket;
  }

  #drop(socket: Socket): void {
    socket.destroy();
    if (this.#socket === socket) this.#socket = undefined;
  }
}
