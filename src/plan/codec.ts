/**
 * Byte reader and writer of the wire form (layout: protocol/generate.mjs). The generated codecs are built on these two;
 * the C++ twins are in native/plan/codec.h.
 */

const noSlot = 0xffff_ffff;

/** Not asked of BigInt.asUintN(), which gives a negative number for those of 2^63 and more in QuickJS 2025-04-26. */
const mostOf64Bits = 2n ** 64n - 1n;

/** Of a UTF-16 unit in UTF-8; half of a surrogate pair becomes U+FFFD. */
const mostBytesOfUnit = 3;

export class Writer {
  #bytes: Buffer;
  /** One for all numbers: in QuickJS a method of Buffer would make a new one for each. */
  #view: DataView;
  #capacity: number;
  #used = 0;
  #recordStart = 0;

  constructor(capacity = 8192) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#view = viewOf(this.#bytes);
    this.#capacity = capacity;
  }

  /** Everything written so far. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  begin(op: number): void {
    this.#recordStart = this.#used;
    this.u32(op);
    this.u32(0);
  }

  /** Closes the record by writing its size, header included. */
  end(): void {
    this.#view.setUint32(this.#recordStart + 4, this.#used - this.#recordStart, true);
  }

  u32(value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`${value} is no number of 32 bits`);
    const at = this.#used;
    if (at + 4 > this.#capacity) this.#grow(4);
    this.#view.setUint32(at, value, true);
    this.#used = at + 4;
  }

  i32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`${value} is no signed number of 32 bits`);
    this.u32(value >>> 0);
  }

  bool(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  slot(value: number | null): void {
    this.u32(value ?? noSlot);
  }

  u64(value: number | bigint): void {
    const exact = BigInt(value);
    if (exact < 0n || exact > mostOf64Bits) throw new RangeError(`${value} is no number of 64 bits`);
    const at = this.#used;
    if (at + 8 > this.#capacity) this.#grow(8);
    this.#view.setBigUint64(at, exact, true);
    this.#used = at + 8;
  }

  /** Its length, itself, and NULs up to the next word: one at least. */
  text(value: string): void {
    const at = this.#used;
    const most = value.length * mostBytesOfUnit + 8;
    if (at + most > this.#capacity) this.#grow(most);
    const length = this.#bytes.write(value, at + 4);
    this.#view.setUint32(at, length, true);
    this.#view.setUint32(at + 4 + length, 0, true);
    this.#used = at + 8 + length - (length % 4);
  }

  /** What another writer wrote, as it is. */
  raw(value: Uint8Array): void {
    if (this.#used + value.length > this.#capacity) this.#grow(value.length);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
    const padding = (4 - (value.length % 4)) % 4;
    if (padding > 0) this.raw(new Uint8Array(padding));
  }

  texts(values: readonly string[]): void {
    this.u32(values.length);
    for (const value of values) this.text(value);
  }

  slots(values: readonly number[]): void {
    this.u32s(values);
  }

  u32s(values: readonly number[]): void {
    this.u32(values.length);
    for (const value of values) this.u32(value);
  }

  #grow(count: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#capacity * 2, this.#used + count));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
    this.#view = viewOf(larger);
    this.#capacity = larger.length;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads the fields of one record, of the types that events have. Throws RangeError when the bytes end too soon. */
export class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  i32(): number {
    const value = this.#bytes.readInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  bool(): boolean {
    return this.u32() !== 0;
  }

  u64(): bigint {
    const value = this.#bytes.readBigUInt64LE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const length = this.u32();
    const value = this.#bytes.toString('utf8', this.#at, this.#at + length);
    this.#at += length + 4 - (length % 4);
    return value;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const length = this.u32();
    const value = Uint8Array.from(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length + ((4 - (length % 4)) % 4);
    return value;
  }

  texts(): string[] {
    return Array.from({ length: this.u32() }, () => this.text());
  }
}
