/**
 * An eBPF machine for programs of BPF_PROG_TYPE_CGROUP_DEVICE, written from Documentation/bpf/standardization/instruction-set.rst
 * and linux/bpf.h, so that the compiler can be held against it. As the kernel's verifier it refuses what can be left unread,
 * jumps backwards or out, and registers that were never set.
 */

/** What a process asks for. */
export interface DeviceRequest {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Any of `r`, `w`, `m`. */
  readonly access: string;
}

/** A program that the kernel would not load. */
export class BadDeviceProgram extends Error {}

const instructionBytes = 8;

interface Instruction {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
}

/** True when the program lets the process through. */
export function runDeviceProgram(program: Uint8Array, request: DeviceRequest): boolean {
  const instructions = decode(program);
  const context = contextOf(request);
  const registers: (bigint | undefined)[] = [undefined, 0n];
  for (let at = 0; ; ) {
    const { code, destination, source, offset, immediate } = fetch(instructions, at++);
    const value = (register: number): bigint => {
      const held = registers[register];
      if (held === undefined) throw new BadDeviceProgram(`r${register} was never set`);
      return held;
    };
    const low = () => Number(value(destination) & 0xffff_ffffn);
    const unsigned = immediate >>> 0;
    switch (code) {
      case 0x61: // LDX W: dst = *(u32 *)(src + offset)
        if (source !== 1 || value(1) !== 0n || offset % 4 !== 0 || offset < 0 || offset >= context.byteLength) throw new BadDeviceProgram('a load from elsewhere');
        registers[destination] = BigInt(context.getUint32(offset, true));
        break;
      case 0xb7: // MOV64 K
        registers[destination] = BigInt.asUintN(64, BigInt(immediate));
        break;
      case 0xbf: // MOV64 X
        registers[destination] = value(source);
        break;
      case 0x54: // AND32 K
        registers[destination] = BigInt((low() & immediate) >>> 0);
        break;
      case 0x74: // RSH32 K
        registers[destination] = BigInt(low() >>> immediate);
        break;
      case 0x05: // JA
        at += offset;
        break;
      case 0x56: // JNE32 K
        if (low() !== unsigned) at += offset;
        break;
      case 0x46: // JSET32 K
        if ((low() & unsigned) !== 0) at += offset;
        break;
      case 0x95: // EXIT
        return (value(0) & 1n) === 1n;
      default:
        throw new BadDeviceProgram(`instruction 0x${code.toString(16)}`);
    }
  }
}

/** `struct bpf_cgroup_dev_ctx`: access << 16 | type, major, minor. */
function contextOf({ type, major, minor, access }: DeviceRequest): DataView {
  const bits = (access.includes('m') ? 1 : 0) | (access.includes('r') ? 2 : 0) | (access.includes('w') ? 4 : 0);
  const view = new DataView(new ArrayBuffer(12));
  view.setUint32(0, (bits << 16) | (type === 'b' ? 1 : 2), true);
  view.setUint32(4, major, true);
  view.setUint32(8, minor, true);
  return view;
}

const decoded = new WeakMap<Uint8Array, readonly Instruction[]>();

function decode(program: Uint8Array): readonly Instruction[] {
  const known = decoded.get(program);
  if (known !== undefined) return known;
  const count = program.length / instructionBytes;
  if (!Number.isInteger(count) || count === 0) throw new BadDeviceProgram(`${program.length} bytes`);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const instructions = Array.from({ length: count }, (_, index) => {
    const at = index * instructionBytes;
    const registers = view.getUint8(at + 1);
    return { code: view.getUint8(at), destination: registers & 15, source: registers >> 4, offset: view.getInt16(at + 2, true), immediate: view.getInt32(at + 4, true) };
  });
  checkFlow(instructions);
  decoded.set(program, instructions);
  return instructions;
}

function fetch(instructions: readonly Instruction[], at: number): Instruction {
  const found = instructions[at];
  if (found === undefined) throw new BadDeviceProgram('ran off the end');
  return found;
}

function checkFlow(instructions: readonly Instruction[]): void {
  const reached = new Set<number>([0]);
  for (const [index, { code, offset }] of instructions.entries()) {
    if (!reached.has(index)) throw new BadDeviceProgram(`unreachable insn ${index}`);
    const isJump = code === 0x05 || (code & 0x07) === 0x06;
    if (isJump && offset < 0) throw new BadDeviceProgram(`back-edge from insn ${index}`);
    if (isJump) reached.add(index + 1 + offset);
    if (code !== 0x05 && code !== 0x95) reached.add(index + 1);
  }
  if ([...reached].some((index) => index >= instructions.length)) throw new BadDeviceProgram('jump out of range');
}
