/** Bytes of an ELF file that has nothing but what a dynamic linker is asked for, and of its cache. */

export interface ElfParts {
  readonly interpreter?: string;
  readonly soname?: string;
  readonly needed?: readonly string[];
  readonly runpath?: string;
  readonly rpath?: string;
  /** x86_64. */
  readonly machine?: number;
}

/** Where the file lies in memory, so that an address is no offset. */
const base = 0x40_0000;

export function elfBytes({ interpreter, soname, needed = [], runpath, rpath, machine = 62 }: ElfParts): Buffer {
  const strings = new Strings();
  const entries: [tag: number, value: number][] = needed.map((name) => [1, strings.add(name)]);
  for (const [tag, text] of [[14, soname], [15, rpath], [29, runpath]] as const) if (text !== undefined) entries.push([tag, strings.add(text)]);
  const loader = interpreter === undefined ? Buffer.alloc(0) : Buffer.from(`${interpreter}\0`);
  const segmentCount = interpreter === undefined ? 2 : 3;
  const dynamicAt = 64 + 56 * segmentCount;
  const dynamicSize = 16 * (entries.length + 3);
  const stringsAt = dynamicAt + dynamicSize;
  const loaderAt = stringsAt + strings.bytes.length;
  const size = loaderAt + loader.length;
  const dynamic = [...entries, [5, base + stringsAt], [10, strings.bytes.length], [0, 0]].flat();
  const segments = [segment(1, 0, size), segment(2, dynamicAt, dynamicSize), ...(interpreter === undefined ? [] : [segment(3, loaderAt, loader.length)])];
  return Buffer.concat([header(segmentCount, machine), ...segments, words(dynamic), strings.bytes, loader]);
}

class Strings {
  bytes = Buffer.alloc(1);

  add(text: string): number {
    const at = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, Buffer.from(`${text}\0`)]);
    return at;
  }
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
  return bytes;
}

function header(segmentCount: number, machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(segmentCount, 56);
  return bytes;
}

function segment(type: number, offset: number, size: number): Buffer {
  return words([type, offset, base + offset, 0, size, size, 0]);
}

/** As ldconfig writes it; `before` is what an older form takes. */
export function ldCacheBytes(libraries: Readonly<Record<string, string>>, before = 0): Buffer {
  const pairs = Object.entries(libraries);
  const start = 48 + 24 * pairs.length;
  const strings = new Strings();
  const entries = pairs.map(([name, path]) => {
    const bytes = Buffer.alloc(24);
    bytes.writeUInt32LE(start + strings.add(name), 4);
    bytes.writeUInt32LE(start + strings.add(path), 8);
    return bytes;
  });
  const head = Buffer.alloc(48);
  head.write('glibc-ld.so.cache1.1', 'latin1');
  head.writeUInt32LE(pairs.length, 20);
  return Buffer.concat([Buffer.alloc(before), head, ...entries, strings.bytes]);
}
