/** A listening socket of this process, whose connections dynos serve: it outlives them. */
import { once } from 'node:events';
import { createServer, isIPv6, type Server } from 'node:net';
import { TsrunError } from '../../spec/errors.js';
import { servingDefaults, type ListenOptions } from './options.js';
import { refusalLine } from './refusal.js';
import type { Service } from './service.js';

/** Who is gone without a word is noticed after some minutes. */
const keepAliveMs = 60_000;
/** The kernel takes as many as net.core.somaxconn has. */
const backlog = 4096;

interface ListenerSettings {
  readonly type: string;
  readonly service: Service;
  readonly log: (message: string) => void;
  readonly onClose: (listener: DynoListener) => void;
}

/** A port of this host whose connections are spread over the dynos of a process type. */
export class DynoListener {
  /** Whose dynos serve it. */
  readonly type: string;
  /** Of this host. */
  readonly host: string;
  /** That was asked for, or that was free. */
  readonly port: number;
  readonly #server: Server;
  readonly #onClose: (listener: DynoListener) => void;

  private constructor(server: Server, host: string, { type, onClose }: ListenerSettings) {
    const address = server.address();
    this.type = type;
    this.host = host;
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    this.#onClose = onClose;
  }

  /** @internal `Formation.listen` does. */
  static async open(options: ListenOptions & { readonly innerPort: number }, settings: ListenerSettings): Promise<DynoListener> {
    const { port, innerPort, host, mostConnections, waitMs } = { ...servingDefaults, ...options };
    const { type, service, log } = settings;
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (client) => void service.serve(client, { port: innerPort, waitMs }));
    const refuse = (from = '') => {
      log(refusalLine('H22', type, from));
    };
    server.maxConnections = mostConnections;
    server.on('drop', (refused) => {
      refuse(refused?.remoteAddress);
    });
    const shown = isIPv6(host) ? `[${host}]` : host;
    try {
      await once(server.listen({ port, host, backlog }), 'listening');
    } catch (cause) {
      throw cannotListen(`${shown}:${port}`, cause);
    }
    // Out of descriptors: libuv has closed that connection (uv__emfile_trick).
    server.on('error', () => {
      refuse();
    });
    const listener = new DynoListener(server, host, settings);
    log(`Listening on ${shown}:${listener.port} for ${type}`);
    return listener;
  }

  /** Takes no more connections; those that are open go on. */
  close(): void {
    this.#server.close();
    this.#onClose(this);
  }
}

function cannotListen(where: string, cause: unknown): TsrunError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const hints = new Map([['EADDRINUSE', 'another program listens there; port 0 takes one that is free'], ['EADDRNOTAVAIL', 'this host does not have that address'], ['EACCES', 'ports below 1024 are for root']]);
  return new TsrunError('ERR_TSRUN_HOST', `cannot listen on ${where}: ${code}`, { hint: hints.get(code), cause });
}
