/** SPDY/3.1, as far as a client of a kubelet's streams speaks it: streams that carry words about themselves, and their bytes. */
import { request } from 'node:http';
import { Duplex } from 'node:stream';

const types = { synStream: 1, rstStream: 3, goAway: 7 };
const finFlag = 1;
const headerLength = 8;

export class SpdyConnection {
  readonly #streams = new Map<number, SpdyStream>();
  readonly #socket: Duplex;
  #unread = Buffer.alloc(0);
  #nextId = 1;
  #hasSpoken = false;

  /** Asks for `url` on a connection that is there, and goes on in SPDY with a protocol of streams within it. */
  static async upgrade(socket: Duplex, url: URL, protocol: string): Promise<SpdyConnection> {
    const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol, Host: url.host };
    const asked = request(url, { method: 'POST', headers, createConnection: () => socket });
    return new Promise((done, fail) => {
      asked.on('error', fail).on('response', ({ statusCode }) => { fail(new Error(`no streams: ${String(statusCode)}`)); });
      asked.on('upgrade', (_answer, _socket, head) => { done(new SpdyConnection(socket, head)); }).end();
    });
  }

  private constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => { this.#read(bytes); });
    // One that ends before it has said all is seen by who reads from its streams.
    socket.on('error', () => undefined).on('close', () => { for (const stream of this.#streams.values()) stream.endReading(); });
    this.#read(head);
  }

  /** A server may know which stream is which by what comes first. */
  open(headers: Readonly<Record<string, string>>): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream((bytes, isLast) => { this.#send(id, isLast ? finFlag : 0, bytes); });
    this.#streams.set(id, stream);
    const block = this.#block(headers);
    const body = Buffer.alloc(10);
    body.writeUInt32BE(id);
    this.#send(0x8003_0000 + types.synStream, 0, Buffer.concat([body, block]));
    return stream;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A control frame is one whose first bit is set; in the place of a stream's id it has its version and type. */
  #send(first: number, flags: number, body: Buffer): void {
    const head = Buffer.alloc(headerLength);
    head.writeUInt32BE(first);
    head.writeUInt32BE(body.length, 4);
    head.writeUInt8(flags, 4);
    this.#socket.write(Buffer.concat([head, body]));
  }

  /** One zlib stream holds all that a connection says of its streams. What is stored in it, and then flushed, needs no dictionary. */
  #block(headers: Readonly<Record<string, string>>): Buffer {
    const texts = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
    const text = Buffer.concat([numberOf(texts.length / 2), ...texts.flatMap((each) => [numberOf(each.length), Buffer.from(each)])]);
    const zlibHeader = this.#hasSpoken ? [] : [Buffer.from([0x78, 0x01])];
    this.#hasSpoken = true;
    return Buffer.concat([...zlibHeader, storedBlock(text), storedBlock(Buffer.alloc(0))]);
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= headerLength) {
      const length = this.#unread.readUInt32BE(4) & 0xff_ffff;
      if (this.#unread.length < headerLength + length) return;
      this.#receive(this.#unread.readUInt32BE(), this.#unread.readUInt8(4), this.#unread.subarray(headerLength, headerLength + length));
      this.#unread = this.#unread.subarray(headerLength + length);
    }
  }

  #receive(first: number, flags: number, body: Buffer): void {
    const isControl = first >= 0x8000_0000;
    const type = isControl ? first & 0xffff : 0;
    if (type === types.goAway) return;
    const stream = this.#streams.get(isControl ? body.readUInt32BE() & 0x7fff_ffff : first);
    if (!isControl) stream?.push(body);
    // A server that has said all there is resets what is still open.
    if (type === types.rstStream || (flags & finFlag) !== 0) stream?.endReading();
  }
}

function numberOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 1951, 3.2.4. */
function storedBlock(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(0xffff - bytes.length, 3);
  return Buffer.concat([head, bytes]);
}

export class SpdyStream extends Duplex {
  readonly #send: (bytes: Buffer, isLast: boolean) => void;
  #hasEnded = false;

  constructor(send: (bytes: Buffer, isLast: boolean) => void) {
    super();
    this.#send = send;
  }

  endReading(): void {
    if (!this.#hasEnded) this.push(null);
    this.#hasEnded = true;
  }

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(bytes, false);
    done();
  }

  override _final(done: () => void): void {
    this.#send(Buffer.alloc(0), true);
    done();
  }
}
