/** A message bus in this process, with whatever answers a test gives: bytes go to it and come from it as over a socket. */
import type { BusStream } from '../../src/oci-cli/systemd/dbus-connection.js';
import { BusReader, BusWriter, type BusValue } from '../../src/oci-cli/systemd/dbus-values.js';

export interface Call {
  readonly serial: number;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly BusValue[];
}

export interface Message {
  readonly type: 'return' | 'error' | 'signal';
  readonly body?: readonly BusValue[];
  readonly signature?: string;
  readonly errorName?: string;
  readonly member?: string;
  readonly sender?: string;
}

const typeNumbers = { return: 2, error: 3, signal: 4 } as const;
const greeting = '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n';

export class FakeBus implements BusStream {
  readonly calls: Call[] = [];
  readonly #answer: (call: Call) => readonly Message[];
  readonly #pieceBytes: number;
  #outgoing = Buffer.alloc(0);
  #isGreeted = false;

  /** @param pieceBytes how much of what it says comes at once */
  constructor(answer: (call: Call) => readonly Message[], { pieceBytes = 65_536, welcome = 'DATA\r\nOK 0123456789abcdef\r\n' } = {}) {
    this.#answer = answer;
    this.#pieceBytes = pieceBytes;
    this.#outgoing = Buffer.from(welcome);
  }

  write(bytes: Uint8Array): void {
    if (!this.#isGreeted) {
      if (Buffer.from(bytes).toString() !== greeting) throw new Error(`no greeting: ${Buffer.from(bytes).toString()}`);
      this.#isGreeted = true;
      return;
    }
    const call = readCall(bytes);
    this.calls.push(call);
    for (const message of this.#answer(call)) this.say(encode(message, call.serial));
  }

  read(): Uint8Array {
    const piece = this.#outgoing.subarray(0, this.#pieceBytes);
    this.#outgoing = this.#outgoing.subarray(piece.length);
    return Uint8Array.from(piece);
  }

  say(bytes: Uint8Array): void {
    this.#outgoing = Buffer.concat([this.#outgoing, bytes]);
  }
}

function readCall(bytes: Uint8Array): Call {
  const reader = new BusReader(bytes);
  const [, , , , , serial, fields] = reader.readAll('yyyyuua(yv)');
  reader.align(8);
  const found = new Map((Array.isArray(fields) ? fields : []).map((field: readonly [number, { readonly value: string }]) => [field[0], field[1].value]));
  const signature = found.get(8) ?? '';
  return { serial: Number(serial), member: found.get(3) ?? '', signature, body: reader.readAll(signature) };
}

function encode({ type, body = [], signature = '', errorName, member, sender = ':1.1' }: Message, serial: number): Uint8Array {
  const content = new BusWriter();
  content.writeAll(signature, body);
  const header = new BusWriter();
  const field = (code: number, of: string, value: BusValue | undefined): BusValue[] => (value === undefined ? [] : [[code, { signature: of, value }]]);
  header.writeAll('yyyyuua(yv)', ['l'.charCodeAt(0), typeNumbers[type], 0, 1, content.bytes.length, 77, [
    ...field(3, 's', member), ...field(4, 's', errorName), ...field(5, 'u', type === 'signal' ? undefined : serial), ...field(7, 's', sender), ...field(8, 'g', signature === '' ? undefined : signature),
  ]]);
  header.align(8);
  return Buffer.concat([header.bytes, content.bytes]);
}
