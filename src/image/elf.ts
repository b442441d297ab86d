/**
 * What a 64-bit little-endian ELF file asks of its dynamic linker (elf(5), ld.so(8)). The file is an attacker's: every offset, count
 * and string is checked against the bytes that there are, and what does not fit gives undefined, never an error.
 */

/** Of one file, as far as looking for its libraries needs it. */
export interface ElfFile {
  /** The loader that the kernel starts in its stead; absent in a library and in a static program. */
  readonly interpreter?: string;
  /** The name by which others need it, whatever its file is called. */
  readonly soname?: string;
  /** Libraries that it needs itself, in its order. */
  readonly needed: readonly string[];
  /** Where to look for these, parted by colons. */
  readonly runpath?: string;
  /** The older form, which also holds for the libraries of its libraries. */
  readonly rpath?: string;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tags = { end: 0, needed: 1, strings: 5, stringsSize: 10, soname: 14, rpath: 15, runpath: 29 } as const;
const textTags: ReadonlySet<number> = new Set([tags.needed, tags.soname, tags.rpath, tags.runpath]);
const headerSize = 64;
const segmentSize = 56;
/** The kernel takes no more than 64 KiB of them (fs/binfmt_elf.c). */
const mostSegments = 65_536 / segmentSize;
const mostEntries = 1024;
/** A few times PATH_MAX, since folders are listed in one. */
const longestString = 4 * 4096;

/** Class, byte order and machine: a loader passes over libraries of another kind. Undefined for what is no ELF file. */
export function elfKind(bytes: Buffer): string | undefined {
  if (bytes.length < 20 || bytes.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  return bytes.toString('hex', 4, 6) + bytes.toString('hex', 18, 20);
}

/** PT_INTERP, if it lies in these bytes, which may be the head of a file. */
export function elfInterpreter(bytes: Buffer): string | undefined {
  const segment = segments(bytes)?.find(({ type }) => type === segmentTypes.interpreter);
  return segment === undefined ? undefined : stringAt(bytes, segment.offset, segment.offset + segment.size);
}

/** Undefined for what is no such file, is damaged, or does not lie in these bytes whole. */
export function readElf(bytes: Buffer): ElfFile | undefined {
  const all = segments(bytes);
  if (all === undefined) return undefined;
  const has = (wanted: number) => all.some(({ type }) => type === wanted);
  const interpreter = elfInterpreter(bytes);
  if (has(segmentTypes.interpreter) && interpreter === undefined) return undefined;
  const asked = has(segmentTypes.dynamic) ? readDynamic(bytes, all) : { needed: [] };
  return asked === undefined ? undefined : { ...asked, ...(interpreter !== undefined && { interpreter }) };
}

function segments(bytes: Buffer): Segment[] | undefined {
  // Class 2 is 64 bits, order 1 is little-endian.
  if (bytes.length < headerSize || elfKind(bytes)?.startsWith('0201') !== true) return undefined;
  const start = Number(bytes.readBigUInt64LE(32));
  const count = bytes.readUInt16LE(56);
  if (bytes.readUInt16LE(54) !== segmentSize || count > mostSegments || start + count * segmentSize > bytes.length) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * segmentSize;
    const number = (offset: number) => Number(bytes.readBigUInt64LE(at + offset));
    return { type: bytes.readUInt32LE(at), offset: number(8), address: number(16), size: number(32) };
  });
}

interface Entry {
  readonly tag: number;
  readonly value: number;
}

function readDynamic(bytes: Buffer, all: readonly Segment[]): Omit<ElfFile, 'interpreter'> | undefined {
  const entries = dynamicEntries(bytes, all);
  const strings = entries === undefined ? undefined : stringTable(bytes, all, entries);
  if (entries === undefined || strings === undefined) return undefined;
  const texts: { readonly tag: number; readonly text: string }[] = [];
  for (const { tag, value } of entries.filter((entry) => textTags.has(entry.tag))) {
    const text = stringAt(bytes, strings.start + value, strings.end);
    // Each of them may decide what is found.
    if (text === undefined) return undefined;
    texts.push({ tag, text });
  }
  const [soname, runpath, rpath] = [tags.soname, tags.runpath, tags.rpath].map((wanted) => texts.find(({ tag }) => tag === wanted)?.text);
  const needed = texts.filter(({ tag }) => tag === tags.needed).map(({ text }) => text);
  return { needed, ...(soname !== undefined && { soname }), ...(runpath !== undefined && { runpath }), ...(rpath !== undefined && { rpath }) };
}

/** Up to the one that ends them. */
function dynamicEntries(bytes: Buffer, all: readonly Segment[]): Entry[] | undefined {
  const segment = all.find(({ type }) => type === segmentTypes.dynamic);
  if (segment === undefined) return undefined;
  const end = segment.offset + segment.size;
  if (end > bytes.length) return undefined;
  const entries: Entry[] = [];
  for (let at = segment.offset; at + 16 <= end; at += 16) {
    const tag = Number(bytes.readBigUInt64LE(at));
    if (tag === tags.end) return entries;
    if (entries.length === mostEntries) return undefined;
    entries.push({ tag, value: Number(bytes.readBigUInt64LE(at + 8)) });
  }
  return entries;
}

/** It is told of by its address in memory, which a segment that is loaded leads back to the file. */
function stringTable(bytes: Buffer, all: readonly Segment[], entries: readonly Entry[]): { readonly start: number; readonly end: number } | undefined {
  const address = entries.find(({ tag }) => tag === tags.strings)?.value;
  const size = entries.find(({ tag }) => tag === tags.stringsSize)?.value;
  if (address === undefined || size === undefined) return undefined;
  const holder = all.find((segment) => segment.type === segmentTypes.load && address >= segment.address && address < segment.address + segment.size);
  if (holder === undefined) return undefined;
  const start = holder.offset + (address - holder.address);
  return start + size <= bytes.length ? { start, end: start + size } : undefined;
}

/** A path that is no UTF-8 cannot be looked for: it would become another one. */
function stringAt(bytes: Buffer, start: number, limit: number): string | undefined {
  if (start >= limit || limit > bytes.length) return undefined;
  const window = bytes.subarray(start, Math.min(limit, start + longestString));
  const end = window.indexOf(0);
  const text = window.toString('utf8', 0, end === -1 ? 0 : end);
  return end === -1 || text.includes('\ufffd') ? undefined : text;
}
