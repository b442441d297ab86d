/** Values of D-Bus messages by their signatures (D-Bus specification, "Type System" and "Marshaling"). Both architectures are little-endian. */
import { RuntimeError } from '../runtime-error.js';

export type BusValue = boolean | number | bigint | string | Variant | readonly BusValue[];

/** A value with its type, which is one single complete type. */
export interface Variant {
  readonly signature: string;
  readonly value: BusValue;
}

const wholeNumbers: Readonly<Record<string, { readonly size: number; readonly signed: boolean }>> = {
  y: { size: 1, signed: false },
  b: { size: 4, signed: false },
  n: { size: 2, signed: true },
  q: { size: 2, signed: false },
  i: { size: 4, signed: true },
  u: { size: 4, signed: false },
  x: { size: 8, signed: true },
  t: { size: 8, signed: false },
};
const widest = 8;
const lengthBytes = 4;
const closing: Readonly<Record<string, string>> = { '(': ')', '{': '}' };

/** The single complete types of a signature. @throws RuntimeError where it is none */
export function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; at += types.at(-1)?.length ?? 1) types.push(signature.slice(at, endOf(signature, at)));
  return types;
}

function endOf(signature: string, at: number): number {
  const first = signature[at] ?? '';
  if (first === 'a') return endOf(signature, at + 1);
  const close = closing[first];
  if (close === undefined) {
    if (first === '' || !'ybnqiuxtdsogv'.includes(first)) throw new RuntimeError(`D-Bus: ${JSON.stringify(signature)} is no signature`);
    return at + 1;
  }
  let end = at + 1;
  while (signature[end] !== close) end = endOf(signature, end);
  if (end === at + 1) throw new RuntimeError('D-Bus: a structure holds nothing');
  return end + 1;
}

function alignmentOf(type: string): number {
  const first = type[0] ?? '';
  if (first === '(' || first === '{' || first === 'd') return widest;
  if (first === 'g' || first === 'v') return 1;
  return wholeNumbers[first]?.size ?? lengthBytes;
}

export class BusWriter {
  readonly #bytes: number[] = [];

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  align(size: number): void {
    while (this.#bytes.length % size !== 0) this.#bytes.push(0);
  }

  /** Values of a signature, one for each of its types. */
  writeAll(signature: string, values: readonly BusValue[]): void {
    for (const [index, type] of typesOf(signature).entries()) this.write(type, values[index] ?? 0);
  }

  write(type: string, value: BusValue): void {
    const first = type[0] ?? '';
    this.align(alignmentOf(type));
    if (first in wholeNumbers && !isCompound(value)) this.#number(BigInt(value), wholeNumbers[first]?.size ?? widest);
    else if (first === 'd') this.#double(Number(value));
    else if (typeof value === 'string') this.#text(value, first === 'g' ? 1 : lengthBytes);
    else if (first === 'v' && isVariant(value)) this.#variant(value);
    else if (first === 'a' && isList(value)) this.#array(type.slice(1), value);
    else if (isList(value)) this.writeAll(type.slice(1, -1), value);
    else throw new RuntimeError(`D-Bus: a value is not of type ${type}`);
  }

  #number(value: bigint, size: number): void {
    for (let at = 0n; at < size; at++) this.#bytes.push(Number((value >> (8n * at)) & 0xffn));
  }

  #double(value: number): void {
    const view = new DataView(new ArrayBuffer(widest));
    view.setFloat64(0, value, true);
    this.#number(view.getBigUint64(0, true), widest);
  }

  #text(text: string, sizeBytes: number): void {
    const bytes = new TextEncoder().encode(text);
    this.#number(BigInt(bytes.length), sizeBytes);
    this.#bytes.push(...bytes, 0);
  }

  #variant({ signature, value }: Variant): void {
    this.write('g', signature);
    this.write(signature, value);
  }

  /** The length does not count what stands before the first element to align it. */
  #array(type: string, values: readonly BusValue[]): void {
    const at = this.#bytes.length;
    this.#number(0n, lengthBytes);
    this.align(alignmentOf(type));
    const start = this.#bytes.length;
    for (const value of values) this.write(type, value);
    const length = this.#bytes.length - start;
    for (let byte = 0; byte < lengthBytes; byte++) this.#bytes[at + byte] = (length >>> (8 * byte)) & 0xff;
  }
}

export class BusReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  align(size: number): void {
    this.#take((size - (this.#at % size)) % size);
  }

  readAll(signature: string): BusValue[] {
    return typesOf(signature).map((type) => this.read(type));
  }

  read(type: string): BusValue {
    const first = type[0] ?? '';
    this.align(alignmentOf(type));
    const whole = wholeNumbers[first];
    if (whole !== undefined) return this.#number(first, whole);
    switch (first) {
      case 'a':
        return this.#array(type.slice(1));
      case 'd':
        return this.#view(widest).getFloat64(0, true);
      case 'g':
        return this.#text(1);
      case 'v':
        return this.#variant();
      case '(':
      case '{':
        return this.readAll(type.slice(1, -1));
      default:
        return this.#text(lengthBytes);
    }
  }

  #number(type: string, { size, signed }: { readonly size: number; readonly signed: boolean }): BusValue {
    const value = this.#bits(size);
    const number = signed ? BigInt.asIntN(8 * size, value) : value;
    if (type === 'b') return number !== 0n;
    return size === widest ? number : Number(number);
  }

  #bits(size: number): bigint {
    return this.#take(size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #text(sizeBytes: number): string {
    const text = new TextDecoder().decode(this.#take(Number(this.#bits(sizeBytes))));
    this.#take(1);
    return text;
  }

  #variant(): Variant {
    const signature = this.#text(1);
    if (typesOf(signature).length !== 1) throw new RuntimeError('D-Bus: a variant is not of one type');
    return { signature, value: this.read(signature) };
  }

  #array(type: string): BusValue[] {
    const length = Number(this.#bits(lengthBytes));
    this.align(alignmentOf(type));
    const end = this.#at + length;
    const values: BusValue[] = [];
    while (this.#at < end) values.push(this.read(type));
    return values;
  }

  #view(size: number): DataView {
    const { buffer, byteOffset } = this.#take(size);
    return new DataView(buffer, byteOffset, size);
  }

  #take(size: number): Uint8Array {
    if (size > this.#bytes.length - this.#at) throw new RuntimeError('D-Bus: a message is shorter than it says');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

export function isList(value: BusValue | undefined): value is readonly BusValue[] {
  return Array.isArray(value);
}

export function isVariant(value: BusValue | undefined): value is Variant {
  return typeof value === 'object' && !isList(value);
}

function isCompound(value: BusValue): value is Variant | readonly BusValue[] {
  return typeof value === 'object';
}
