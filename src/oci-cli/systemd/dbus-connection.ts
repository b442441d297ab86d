/** A client of a message bus, or of a program that speaks as one: calls that are waited for, and signals (D-Bus specification). */
import { RuntimeError } from '../runtime-error.js';
import { BusReader, BusWriter, isList, isVariant, type BusValue } from './dbus-values.js';

/** What the messages go over. */
export interface BusStream {
  write(bytes: Uint8Array): void;
  /** What has come, waited for; nothing at the end. @throws RuntimeError where nothing comes in time */
  read(): Uint8Array;
}

export interface BusObject {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
}

/** Of those that are heard: its name, who sent it, what it says. */
export interface Signal {
  readonly member: string;
  readonly sender: string;
  readonly body: readonly BusValue[];
}

export interface Reply {
  readonly sender: string;
  readonly body: readonly BusValue[];
}

/** An answer that is an error. */
export class BusError extends RuntimeError {
  /** `org.freedesktop.systemd1.NoSuchUnit` */
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message === '' ? errorName : message);
    this.errorName = errorName;
  }
}

const types = { methodCall: 1, methodReturn: 2, error: 3, signal: 4 } as const;
const littleEndian = 'l'.charCodeAt(0);
const protocolVersion = 1;
/** Header fields by their codes ("Header Fields"), with the types of those that are sent. */
const fields = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, sender: 7, signature: 8 } as const;
/** Up to the length of the header fields, which follow it. */
const fixedBytes = 16;
/** The specification lets messages be much longer; none that is asked for here is. */
const mostMessageBytes = 1 << 20;
const mostLineBytes = 16_384;

interface Message extends Signal {
  readonly type: number;
  readonly replySerial: number;
  readonly errorName: string;
}

export class BusConnection {
  readonly #stream: BusStream;
  readonly #signals: Signal[] = [];
  #received = new Uint8Array();
  #serial = 0;

  /**
   * As whom, the kernel tells (SO_PEERCRED), which holds in a user namespace too. All of it is said at once, as systemd's own clients do: its
   * server does not look at a message that comes with the last line, until another one comes.
   */
  constructor(stream: BusStream) {
    this.#stream = stream;
    stream.write(new TextEncoder().encode('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n'));
    const answers = [this.#line(), this.#line()];
    if (answers[0] !== 'DATA' || answers[1]?.startsWith('OK ') !== true) throw new RuntimeError(`D-Bus: the bus does not let us in: ${JSON.stringify(answers)}`);
  }

  /** @throws BusError for an answer that is an error */
  call(object: BusObject, member: string, signature = '', body: readonly BusValue[] = []): Reply {
    const serial = ++this.#serial;
    this.#stream.write(encodeCall(serial, object, member, signature, body));
    for (;;) {
      const message = this.#message();
      if (message.type === types.signal) this.#signals.push(message);
      if (message.replySerial !== serial) continue;
      if (message.type === types.methodReturn) return message;
      if (message.type === types.error) throw new BusError(message.errorName, textIn(message.body[0]));
    }
  }

  /** The first signal that is meant, of those that have come and those that will. */
  awaitSignal(isMeant: (signal: Signal) => boolean): Signal {
    for (;;) {
      const signal = this.#signals.shift();
      if (signal === undefined) {
        const message = this.#message();
        if (message.type === types.signal) this.#signals.push(message);
      } else if (isMeant(signal)) {
        return signal;
      }
    }
  }

  #line(): string {
    for (;;) {
      const end = this.#received.indexOf('\n'.charCodeAt(0));
      if (end >= 0) return new TextDecoder().decode(this.#take(end + 1)).trimEnd();
      if (this.#received.length > mostLineBytes) throw new RuntimeError('D-Bus: the bus answers with no line');
      this.#receive();
    }
  }

  #message(): Message {
    while (this.#received.length < fixedBytes) this.#receive();
    const { headerBytes, bodyBytes } = lengthsOf(this.#received);
    while (this.#received.length < headerBytes + bodyBytes) this.#receive();
    return decode(this.#take(headerBytes), this.#take(bodyBytes));
  }

  #receive(): void {
    const piece = this.#stream.read();
    if (piece.length === 0) throw new RuntimeError('D-Bus: the bus has hung up');
    const whole = new Uint8Array(this.#received.length + piece.length);
    whole.set(this.#received);
    whole.set(piece, this.#received.length);
    this.#received = whole;
  }

  #take(size: number): Uint8Array {
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return taken;
  }
}

function encodeCall(serial: number, { destination, path, interface: name }: BusObject, member: string, signature: string, body: readonly BusValue[]): Uint8Array {
  const content = new BusWriter();
  content.writeAll(signature, body);
  const field = (code: number, type: string, value: string): BusValue => [code, { signature: type, value }];
  const header = new BusWriter();
  header.writeAll('yyyyuua(yv)', [littleEndian, types.methodCall, 0, protocolVersion, content.bytes.length, serial, [
    field(fields.path, 'o', path),
    field(fields.destination, 's', destination),
    field(fields.interface, 's', name),
    field(fields.member, 's', member),
    ...(signature === '' ? [] : [field(fields.signature, 'g', signature)]),
  ]]);
  header.align(8);
  const whole = new Uint8Array(header.bytes.length + content.bytes.length);
  whole.set(header.bytes);
  whole.set(content.bytes, header.bytes.length);
  return whole;
}

function lengthsOf(start: Uint8Array): { readonly headerBytes: number; readonly bodyBytes: number } {
  const [order, , , version, bodyBytes = 0, , fieldBytes = 0] = new BusReader(start).readAll('yyyyuuu');
  if (order !== littleEndian || version !== protocolVersion) throw new RuntimeError('D-Bus: a message is of another byte order or version');
  const headerBytes = Math.ceil((fixedBytes + Number(fieldBytes)) / 8) * 8;
  if (headerBytes + Number(bodyBytes) > mostMessageBytes) throw new RuntimeError('D-Bus: a message is too long');
  return { headerBytes, bodyBytes: Number(bodyBytes) };
}

function decode(header: Uint8Array, body: Uint8Array): Message {
  const [, type, , , , , list] = new BusReader(header).readAll('yyyyuua(yv)');
  const found = new Map<BusValue | undefined, BusValue>();
  for (const each of isList(list) ? list : []) if (isList(each) && isVariant(each[1])) found.set(each[0], each[1].value);
  const text = (code: number) => textIn(found.get(code));
  return {
    type: Number(type),
    replySerial: Number(found.get(fields.replySerial) ?? 0),
    member: text(fields.member),
    errorName: text(fields.errorName),
    sender: text(fields.sender),
    body: new BusReader(body).readAll(text(fields.signature)),
  };
}

/** Empty where it is none. */
export function textIn(value: BusValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
