/**
 * Byte reader and writer of the wire form (layout: protocol/generate.mjs). The generated codecs are built on these two;
 * the C++ twins are in native/plan/codec.h.
 */

const noSlot = 0xffff_ffff;

export class Writer {
  #bytes: Buffer;
  #used = 0;
  #recordStart = 0;

  constructor(capacity = 8192) {
    this.#bytes = Buffer.allocUnsafe(capacity);
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
    this.#bytes.writeUInt32LE(this.#used - this.#recordStart, this.#recordStart + 4);
  }

  u32(value: number): void {
    this.#room(4);
    this.#used = this.#bytes.writeUInt32LE(value, this.#used);
  }

  i32(value: number): void {
    this.#room(4);
    this.#used = this.#bytes.writeInt32LE(value, this.#used);
  }

  bool(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  slot(value: number | null): void {
    this.u32(value ?? noSlot);
  }

  u64(value: number | bigint): void {
    this.#room(8);
    this.#used = this.#bytes.writeBigUInt64LE(BigInt(value), this.#used);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(length + 8);
    this.#used = this.#bytes.writeUInt32LE(length, this.#used);
    this.#used += this.#bytes.write(value, this.#used);
    this.#pad(4 - (length % 4));
  }

  /** What another writer wrote, as it is. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length + 8);
    this.#used = this.#bytes.writeUInt32LE(value.length, this.#used);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
    this.#pad((4 - (value.length % 4)) % 4);
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

  #pad(count: number): void {
    this.#bytes.fill(0, this.#used, this.#used + count);
    this.#used += count;
  }

  #room(count: number): void {
    if (this.#used + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + count));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
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
