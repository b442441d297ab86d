/** Syslog over UDP (RFC 5426): a message a datagram, and nobody says whether it came. */
import type { Socket } from 'node:dgram';
import { syslogMessage } from './frames.js';
import type { Batch, Sink } from './sink.js';
import type { SyslogTarget } from './target.js';

export class DatagramSink implements Sink {
  readonly limits = { mostLines: 100, gatherMs: 0, tryMs: 60_000 };
  readonly #target: SyslogTarget;
  readonly #token: string;
  #socket: Socket | undefined;

  constructor(target: SyslogTarget, token: string) {
    this.#target = target;
    this.#token = token;
  }

  /** As much at a time as a receiver's buffer holds: what comes faster is lost on its side. */
  async deliver({ lines }: Batch): Promise<void> {
    const socket = this.#socket ?? (await this.#open());
    await Promise.all(lines.map(async (line) => new Promise<void>((resolve, reject) => {
      socket.send(syslogMessage(line, this.#token), (error) => {
        if (error == null) resolve();
        else reject(error);
      });
    })));
  }

  close(): void {
    this.#socket?.close();
  }

  async #open(): Promise<Socket> {
    const { createSocket } = await import('node:dgram');
    const { lookup } = await import('node:dns/promises');
    const { host, port } = this.#target;
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, address, resolve);
    });
    this.#socket = socket;
    return socket;
  }
}
