/**
 * A classic BPF machine as the kernel runs it for seccomp (Documentation/networking/filter.rst, seccomp(2)), written
 * from those and not from libseccomp, so that the two can be held against each other.
 */

/** What the kernel shows to a filter: `struct seccomp_data`. */
export interface SeccompData {
  readonly nr: number;
  /** An AUDIT_ARCH_ value. */
  readonly arch: number;
  readonly instructionPointer?: bigint;
  readonly args: readonly bigint[];
}

export const auditArch = { x64: 0xc000_003e, i386: 0x4000_0003, arm64: 0xc000_00b7 } as const;

/** x32 has x86_64's AUDIT_ARCH and this bit in its numbers. */
export const x32Bit = 0x4000_0000;

const instructionBytes = 8;
const dataBytes = 64;
const mostInstructions = 4096;

/** A filter that the kernel would not load, or that does what no filter may. */
export class BadProgram extends Error {}

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Runs a program (an array of `struct sock_filter`); the 32 bits that it returns. */
export function runFilter(program: Uint8Array, data: SeccompData): number {
  const instructions = decode(program);
  const input = layOut(data);
  let accumulator = 0;
  let at = 0;
  for (;;) {
    const instruction = instructions[at++];
    if (instruction === undefined) throw new BadProgram('ran off the end');
    const { code, k } = instruction;
    switch (code) {
      case 0x20: // LD W ABS
        if (k % 4 !== 0 || k >= dataBytes) throw new BadProgram(`load at ${k}`);
        accumulator = input.getUint32(k, true);
        break;
      case 0x54: // AND K
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05: // JA
        at += k;
        break;
      case 0x15: // JEQ K
      case 0x25: // JGT K
      case 0x35: // JGE K
      case 0x45: // JSET K
        at += holds(code, accumulator, k) ? instruction.jt : instruction.jf;
        break;
      case 0x06: // RET K
        return k;
      default:
        throw new BadProgram(`instruction 0x${code.toString(16)}`);
    }
  }
}

function holds(code: number, accumulator: number, k: number): boolean {
  if (code === 0x15) return accumulator === k;
  if (code === 0x25) return accumulator > k;
  if (code === 0x35) return accumulator >= k;
  return (accumulator & k) !== 0;
}

const decoded = new WeakMap<Uint8Array, readonly Instruction[]>();

function decode(program: Uint8Array): readonly Instruction[] {
  const known = decoded.get(program);
  if (known !== undefined) return known;
  const count = program.length / instructionBytes;
  if (!Number.isInteger(count) || count === 0 || count > mostInstructions) throw new BadProgram(`${program.length} bytes`);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const instructions = Array.from({ length: count }, (_, index) => ({
    code: view.getUint16(index * instructionBytes, true),
    jt: view.getUint8(index * instructionBytes + 2),
    jf: view.getUint8(index * instructionBytes + 3),
    k: view.getUint32(index * instructionBytes + 4, true),
  }));
  decoded.set(program, instructions);
  return instructions;
}

function layOut(data: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(dataBytes));
  view.setUint32(0, data.nr, true);
  view.setUint32(4, data.arch, true);
  view.setBigUint64(8, data.instructionPointer ?? 0n, true);
  for (let index = 0; index < 6; index++) view.setBigUint64(16 + 8 * index, data.args[index] ?? 0n, true);
  return view;
}

const actions = new Map([
  [0x8000_0000, 'KILL_PROCESS'],
  [0x0000_0000, 'KILL_THREAD'],
  [0x0003_0000, 'TRAP'],
  [0x0005_0000, 'ERRNO'],
  [0x7fc0_0000, 'NOTIFY'],
  [0x7ff0_0000, 'TRACE'],
  [0x7ffc_0000, 'LOG'],
  [0x7fff_0000, 'ALLOW'],
]);

/** A verdict in words: `ALLOW`, `ERRNO 38`. */
export function verdictName(value: number): string {
  const action = actions.get((value & 0xffff_0000) >>> 0);
  if (action === undefined) throw new BadProgram(`returned 0x${value.toString(16)}`);
  return action === 'ERRNO' || action === 'TRACE' ? `${action} ${value & 0xffff}` : action;
}
