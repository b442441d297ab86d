/** A client of a launcher that does as it likes: it need not read what it is sent, nor send what it should. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { loadNative } from '../../src/engine/addon.js';
import { Reader, Writer } from '../../src/plan/codec.js';
import { decodeEvent, encodeRequest, protocolVersion, type LauncherEvent, type Request } from '../../src/plan/wire.generated.js';

const { addon } = loadNative();

export class RawClient {
  readonly events: LauncherEvent[] = [];
  /** How many descriptors came with each event that told of some. */
  readonly descriptors: number[] = [];
  readonly #requests: number;
  readonly #stream: number;
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);

  constructor(path: string) {
    this.#requests = addon.connectLauncher(path);
    const [ours, theirs] = addon.streamPair();
    this.#stream = ours;
    this.send({ op: 'hello', protocol: protocolVersion }, [theirs]);
    closeSync(theirs);
  }

  /** 0, or an errno. */
  send(request: Request, descriptors: readonly number[] = []): number {
    const writer = new Writer(512);
    encodeRequest(writer, request);
    return addon.send(this.#requests, writer.finish(), descriptors);
  }

  /** From now on it reads what it is sent. */
  read(): void {
    this.#socket = new Socket({ fd: this.#stream, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
  }

  close(): void {
    closeSync(this.#requests);
    if (this.#socket === undefined) closeSync(this.#stream);
    else this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 8 && this.#received.length >= this.#received.readUInt32LE(4)) {
      const event = decodeEvent(this.#received.readUInt32LE(0), new Reader(this.#received, 8));
      this.#received = this.#received.subarray(this.#received.readUInt32LE(4));
      this.events.push(event);
      if (!('descriptors' in event) || event.descriptors === 0) continue;
      const received = addon.receive(this.#requests);
      this.descriptors.push(received.length);
      for (const descriptor of received) closeSync(descriptor);
    }
  }
}
