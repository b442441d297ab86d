/** Seccomp profiles on their way to the kernel: layers → the flat description that native/engine/seccomp.cc reads, and flags of seccomp(2). */
import { Writer } from '../plan/codec.js';
import { TsrunError } from '../spec/errors.js';
import { notifies, seccompFilterFlags } from '../spec/seccomp-flags.js';
import type { Seccomp, SeccompArg } from '../spec/types.js';
import { seccompLayers, type LayerRule } from './seccomp-layers.js';

const operators: Readonly<Record<SeccompArg['op'], number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** The description's first word; its last byte is the version. */
const magic = 0x5343_5002;

/**
 * The flat description that native/engine/seccomp.cc reads: words in little-endian order, bytes as in plan/codec.ts.
 *
 * @param allKnown a call that libseccomp does not know is an error in every rule, not only where it would be let through
 */
export function encodeSeccomp(seccomp: Seccomp, arch: 'x64' | 'arm64', allKnown = false): Uint8Array {
  const layers = seccompLayers(seccomp, arch);
  const writer = new Writer(32_768);
  writer.u32(magic);
  writer.texts((seccomp.architectures ?? []).map(architectureName));
  writer.u32(layers.length);
  for (const layer of layers) {
    writer.u32(layer.defaultAction);
    writer.u32(layer.otherArchAction);
    writer.bool(layer.nativeOnly);
    const groups = groupsOf(layer.rules);
    writer.u32(groups.length);
    for (const { names, rule } of groups) encodeRule(writer, names, rule, rule.required || allKnown);
  }
  return writer.finish();
}

/** Calls that one rule is for, and that rule with the name of the first. */
interface Group {
  readonly names: string[];
  readonly rule: LayerRule;
}

/** In the order of the list. Most profiles have hundreds of calls, and say the same of nearly all of them. */
function groupsOf(rules: readonly LayerRule[]): Group[] {
  const groups: Group[] = [];
  let group: Group | undefined;
  for (const rule of rules) {
    if (group !== undefined && saysTheSame(group.rule, rule)) {
      group.names.push(rule.name);
    } else {
      group = { names: [rule.name], rule };
      groups.push(group);
    }
  }
  return groups;
}

function saysTheSame(one: LayerRule, other: LayerRule): boolean {
  return one.action === other.action && one.required === other.required && isPlain(one) && isPlain(other);
}

/** Of a call by its name alone. */
function isPlain({ number, conditions }: LayerRule): boolean {
  return number < 0 && conditions.length === 0;
}

function encodeRule(writer: Writer, names: readonly string[], rule: LayerRule, required: boolean): void {
  writer.u32(names.length);
  writer.bytes(Buffer.from(`${names.join('\0')}\0`));
  writer.i32(rule.number);
  writer.u32(rule.action);
  writer.bool(required);
  writer.u32(rule.conditions.length);
  for (const condition of rule.conditions) {
    writer.u32(condition.index);
    writer.u32(operators[condition.op]);
    writer.u64(condition.value);
    writer.u64(condition.valueTwo ?? 0);
  }
}

/** libseccomp's name: `SCMP_ARCH_X86_64` → `x86_64`. */
function architectureName(name: string): string {
  return name.replace(/^SCMP_ARCH_/, '').toLowerCase();
}

/** Flags of seccomp(2) that no profile names. */
const newListener = 8;
const tsyncEsrch = 16;

/** What `loadSeccomp` passes to seccomp(2) beside the filter. */
export function seccompFlags(seccomp: Seccomp): number {
  let flags = 0;
  for (const [index, name] of (seccomp.flags ?? []).entries()) flags |= flagOf(name, index);
  if (!notifies(seccomp)) return flags;
  // The kernel cannot return both a listener and the thread that TSYNC failed on; the second flag (5.7) gives up the latter.
  return flags | newListener | (flags & 1 ? tsyncEsrch : 0);
}

function flagOf(name: string, index: number): number {
  const flag = seccompFilterFlags.get(name);
  if (flag !== undefined) return flag;
  throw new TsrunError('ERR_TSRUN_INVALID_SPEC', `unknown seccomp flag "${name}"`, {
    field: `/linux/seccomp/flags/${index}`,
    hint: `known are ${[...seccompFilterFlags.keys()].join(', ')}`,
  });
}
