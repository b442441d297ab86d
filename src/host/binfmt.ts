/**
 * Which processors' programs this kernel runs: its own, and those that somebody has registered an interpreter for, such as qemu-user
 * (Documentation/admin-guide/binfmt-misc.rst).
 */
import { readdirSync } from 'node:fs';
import type { HostFacts } from './facts.js';
import { systemReader, type HostReader } from './reader.js';

/** Go's name of the host's processor, as images have it. */
export function hostArchitecture({ arch }: Pick<HostFacts, 'arch'>): 'amd64' | 'arm64' {
  return arch === 'x64' ? 'amd64' : 'arm64';
}

interface Machine {
  readonly bits: 32 | 64;
  readonly bigEndian?: boolean;
  /** `e_machine` (elf(5)). */
  readonly number: number;
}

/** By Go's names. Those of 32 bits stand here for an interpreter's sake: what the kernel itself would run, the seccomp filter denies. */
const machines: Readonly<Record<string, Machine>> = {
  amd64: { bits: 64, number: 62 },
  arm64: { bits: 64, number: 183 },
  '386': { bits: 32, number: 3 },
  arm: { bits: 32, number: 40 },
  loong64: { bits: 64, number: 258 },
  mips64le: { bits: 64, number: 8 },
  ppc64le: { bits: 64, number: 21 },
  riscv64: { bits: 64, number: 243 },
  s390x: { bits: 64, bigEndian: true, number: 22 },
};

const registry = '/proc/sys/fs/binfmt_misc';

/** The interpreter that programs for a processor are handed to, which every container can reach; undefined without one. */
export function foreignInterpreter(architecture: string, reader: Pick<HostReader, 'read'> = systemReader, names: readonly string[] = registered()): string | undefined {
  const machine = Object.hasOwn(machines, architecture) ? machines[architecture] : undefined;
  if (machine === undefined || !reader.read(`${registry}/status`)?.startsWith('enabled')) return undefined;
  const header = elfHeader(machine);
  for (const name of names) {
    const entry = readEntry(reader.read(`${registry}/${name}`) ?? '');
    if (entry?.opensEarly === true && matches(entry, header)) return entry.interpreter;
  }
  return undefined;
}

function registered(): string[] {
  try {
    return readdirSync(registry).filter((name) => name !== 'register' && name !== 'status');
  } catch {
    return []; // The file system need not be mounted: then nothing is registered.
  }
}

interface Entry {
  readonly interpreter: string;
  /** Flag `F`: opened when it was registered, on the host; without it the interpreter is looked for in the container. */
  readonly opensEarly: boolean;
  readonly offset: number;
  readonly magic: Buffer;
  readonly mask: Buffer | undefined;
}

function readEntry(text: string): Entry | undefined {
  const [state, ...lines] = text.split('\n');
  const fields = new Map(lines.map((line): [string, string] => [line.split(/[ :]/, 1)[0] ?? '', line.replace(/^\S+\s?/, '')]));
  const magic = fields.get('magic');
  if (state !== 'enabled' || magic === undefined) return undefined;
  const mask = fields.get('mask');
  return {
    interpreter: fields.get('interpreter') ?? '',
    opensEarly: fields.get('flags')?.includes('F') === true,
    offset: Number(fields.get('offset') ?? 0),
    magic: Buffer.from(magic, 'hex'),
    mask: mask === undefined ? undefined : Buffer.from(mask, 'hex'),
  };
}

function matches({ offset, magic, mask }: Entry, header: Buffer): boolean {
  const end = offset + magic.length;
  return magic.length > 0 && end <= header.length && magic.every((byte, index) => {
    const bits = mask?.[index] ?? 0xff;
    return ((header[offset + index] ?? 0) & bits) === (byte & bits);
  });
}

/** The first bytes of any executable for it. */
function elfHeader({ bits, bigEndian = false, number }: Machine): Buffer {
  const header = Buffer.alloc(128);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, bigEndian ? 2 : 1, 1]);
  const write = (value: number, at: number) => (bigEndian ? header.writeUInt16BE(value, at) : header.writeUInt16LE(value, at));
  write(2, 16);
  write(number, 18);
  return header;
}
