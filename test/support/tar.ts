/** Archives header by header, with everything that a hostile one may say. Not by the code under test, nor by a library that would refuse. */

export interface TarEntry {
  readonly name: string | Buffer;
  /** As in a header: `0` file, `1` hard link, `2` link, `3` and `4` devices, `5` folder, `6` pipe. Default: what the name and data suggest. */
  readonly type?: string;
  readonly data?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: readonly [major: number, minor: number];
  /** Extended records (pax), by name. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Bytes that the header claims. Default: those of `data`. */
  readonly size?: number | Buffer;
  /** Default: right. */
  readonly checksum?: number;
  readonly magic?: string;
  readonly prefix?: string;
}

const blockBytes = 512;

export function tar(entries: readonly TarEntry[], end = true): Buffer {
  return Buffer.concat([...entries.map(bytesOf), ...(end ? [Buffer.alloc(2 * blockBytes)] : [])]);
}

/** `x`, extended records for the next entry. */
function paxHeader(records: Readonly<Record<string, string | Buffer>>, type = 'x'): Buffer {
  return bytesOf({ name: 'PaxHeaders/entry', type, data: Buffer.concat(Object.entries(records).map(([key, value]) => record(key, Buffer.from(value)))) });
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's way of saying a long name (`L`) or link (`K`) before the entry. */
export function gnuLong(text: string | Buffer, type: 'L' | 'K' = 'L'): Buffer {
  return bytesOf({ name: '././@LongLink', type, magic: 'ustar  \0', data: Buffer.concat([Buffer.from(text), Buffer.from([0])]) });
}

export function paxGlobal(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return paxHeader(records, 'g');
}

export function bytesOf(entry: TarEntry): Buffer {
  const data = Buffer.from(entry.data ?? '');
  const padding = Buffer.alloc((blockBytes - (data.length % blockBytes)) % blockBytes);
  const front = entry.pax === undefined ? [] : [paxHeader(entry.pax)];
  return Buffer.concat([...front, header(entry, data.length), data, padding]);
}

function header({ name, type, link = '', mode, uid = 0, gid = 0, mtime = 1_000_000_000, device = [0, 0], size, checksum, magic = 'ustar\x0000', prefix = '' }: TarEntry, dataBytes: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const kind = type ?? (name.toString().endsWith('/') ? '5' : '0');
  Buffer.from(name).copy(block, 0, 0, 100);
  octal(block, 100, 8, mode ?? (kind === '5' ? 0o755 : 0o644));
  octal(block, 108, 8, uid);
  octal(block, 116, 8, gid);
  if (Buffer.isBuffer(size)) size.copy(block, 124, 0, 12);
  else octal(block, 124, 12, size ?? dataBytes);
  octal(block, 136, 12, mtime);
  block.write(kind, 156, 'latin1');
  block.write(link, 157, 100);
  block.write(magic, 257, 'latin1');
  octal(block, 329, 8, device[0]);
  octal(block, 337, 8, device[1]);
  block.write(prefix, 345, 155);
  block.fill(' ', 148, 156);
  block.write(`${(checksum ?? block.reduce((sum, byte) => sum + byte, 0)).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Larger numbers in base 256, as GNU tar writes them. */
function octal(block: Buffer, at: number, length: number, value: number): void {
  const text = Math.trunc(value).toString(8);
  if (value >= 0 && text.length < length) {
    block.write(`${text.padStart(length - 1, '0')}\0`, at, 'latin1');
    return;
  }
  let rest = BigInt(Math.trunc(value));
  for (let index = length - 1; index > 0; index--) {
    block[at + index] = Number(rest & 255n);
    rest >>= 8n;
  }
  block[at] = value < 0 ? 0xff : 0x80;
}
