/**
 * A device policy as the program that holds it: BPF_PROG_TYPE_CGROUP_DEVICE, which the kernel runs whenever a process of
 * the cgroup opens or makes a device node (bpf(2), linux/bpf.h `struct bpf_cgroup_dev_ctx`). Rules are tried last to
 * first; register 3 holds the letters of the access about which nothing was decided yet.
 */
import { wholeAccess, type DevicePolicy, type PolicyRule } from './device-rules.js';

const instructionBytes = 8;

/** Class, operation and source of operand, as instruction-set.rst composes them. JMP32 came with Linux 5.1. */
const op = {
  load32: 0x61,
  setConstant: 0xb7,
  copy: 0xbf,
  and: 0x54,
  shiftRight: 0x74,
  jumpAlways: 0x05,
  jumpIfOther: 0x56,
  jumpIfAnyBit: 0x46,
  exit: 0x95,
} as const;

const register = { result: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const;
type Register = (typeof register)[keyof typeof register];

/** BPF_DEVCG_DEV_*. */
const typeNumbers = { b: 1, c: 2 } as const;

interface Instruction {
  readonly code: number;
  readonly to?: Register;
  readonly from?: Register;
  /** Of a jump: how many instructions are left out; of a load: where in the context. */
  readonly offset?: number;
  readonly constant?: number;
}

/** The instructions as the kernel loads them. */
export function deviceProgram(policy: DevicePolicy): Uint8Array {
  return encode([...prologue, ...policy.rules.toReversed().flatMap(ruleCode), ...epilogue(policy.allowOthers)]);
}

/** The context's first word is `access << 16 | type`. */
const prologue: readonly Instruction[] = [
  { code: op.load32, to: register.type, from: register.context, offset: 0 },
  { code: op.copy, to: register.access, from: register.type },
  { code: op.and, to: register.type, constant: 0xffff },
  { code: op.shiftRight, to: register.access, constant: 16 },
  { code: op.load32, to: register.major, from: register.context, offset: 4 },
  { code: op.load32, to: register.minor, from: register.context, offset: 8 },
];

/** A request for no letter (access(2) with F_OK) is let through: it asks whether the node is there. */
function epilogue(allowOthers: boolean): Instruction[] {
  return allowOthers ? verdict(1) : [{ code: op.jumpIfOther, to: register.access, constant: 0, offset: 2 }, ...verdict(1), ...verdict(0)];
}

function verdict(result: 0 | 1): Instruction[] {
  return [{ code: op.setConstant, to: register.result, constant: result }, { code: op.exit }];
}

function ruleCode(rule: PolicyRule): Instruction[] {
  const decision = rule.allow ? allowCode(rule.access) : denyCode(rule.access);
  const { type, major, minor } = rule;
  const wanted: (readonly [Register, number | undefined])[] = [
    [register.type, type === 'a' ? undefined : typeNumbers[type]],
    [register.major, major],
    [register.minor, minor],
  ];
  const tests = wanted.flatMap(([to, constant]) => (constant === undefined ? [] : [{ code: op.jumpIfOther, to, constant }]));
  // A device that is another goes on behind this rule.
  return [...tests.map((test, index) => ({ ...test, offset: tests.length - index - 1 + decision.length })), ...decision];
}

/** What the rule allows is decided; when nothing else was asked for, so is the whole. */
function allowCode(access: number): Instruction[] {
  return [
    { code: op.and, to: register.access, constant: wholeAccess & ~access },
    { code: op.jumpIfOther, to: register.access, constant: 0, offset: 2 },
    ...verdict(1),
  ];
}

function denyCode(access: number): Instruction[] {
  return [{ code: op.jumpIfAnyBit, to: register.access, constant: access, offset: 1 }, { code: op.jumpAlways, offset: 2 }, ...verdict(0)];
}

/** tsrun runs on little-endian machines only. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * instructionBytes));
  for (const [index, { code, to = 0, from = 0, offset = 0, constant = 0 }] of instructions.entries()) {
    const at = index * instructionBytes;
    view.setUint8(at, code);
    view.setUint8(at + 1, to | (from << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, constant, true);
  }
  return new Uint8Array(view.buffer);
}
