/**
 * Seccomp profiles on their way to the kernel: layers → the flat description that the addon reads → BPF, once for each
 * profile and process. The addon knows libseccomp and nothing about what a profile should be.
 */
import { Writer } from '../plan/codec.js';
import { systemErrorName } from '../spec/errno.js';
import { nearest, TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import { notifies, seccompFilterFlags } from '../spec/seccomp-flags.js';
import { defaultSeccompName } from '../spec/seccomp-profile.js';
import { allowedCalls, deniedCalls, gatedCalls } from '../spec/seccomp-syscalls.js';
import type { Seccomp, SeccompArg } from '../spec/types.js';
import { isRequired, seccompLayers, type LayerRule } from './seccomp-layers.js';

export type CompileSeccomp = (profile: Uint8Array) => Uint8Array;

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
const magic = 0x5343_5001;

/**
 * The flat description that native/addon/seccomp.cc reads: words in little-endian order, texts as in plan/codec.ts.
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
    writer.u32(layer.rules.length);
    for (const rule of layer.rules) encodeRule(writer, rule, rule.required || allKnown);
  }
  return writer.finish();
}

function encodeRule(writer: Writer, rule: LayerRule, required: boolean): void {
  writer.text(rule.name);
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

/** Filters of tsrun's own profiles that an earlier process compiled. */
export interface FilterStore {
  read(name: string): Uint8Array | undefined;
  write(name: string, filter: Uint8Array): void;
}

/** Compiled filters by the content of their profiles: building one costs a third of a container's start. */
export class SeccompCache {
  readonly #native: CompileSeccomp;
  readonly #arch: 'x64' | 'arm64';
  readonly #filters = new Map<string, Uint8Array>();
  /** tsrun's own profiles, which are frozen. */
  readonly #own = new WeakMap<Seccomp, Uint8Array>();
  readonly #store: FilterStore | undefined;

  constructor(native: CompileSeccomp, arch: 'x64' | 'arm64', store?: FilterStore) {
    this.#native = native;
    this.#arch = arch;
    this.#store = store;
  }

  /**
   * The BPF program of a profile, to be left unchanged.
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_SPEC`, `ERR_TSRUN_UNSUPPORTED` when the profile cannot be compiled.
   */
  compile(seccomp: Seccomp): Uint8Array {
    const own = this.#own.get(seccomp);
    if (own !== undefined) return own;
    const name = defaultSeccompName(seccomp);
    if (name === undefined) return this.#compileByContent(seccomp);
    const filter = this.#store?.read(name) ?? this.#buildOwn(name, seccomp);
    this.#own.set(seccomp, filter);
    return filter;
  }

  #buildOwn(name: string, seccomp: Seccomp): Uint8Array {
    const filter = this.#build(seccomp);
    this.#store?.write(name, filter);
    return filter;
  }

  /** By content, not by identity: profiles can be changed by their owner, and a stale filter would be a silent hole. */
  #compileByContent(seccomp: Seccomp): Uint8Array {
    const key = contentOf(seccomp);
    const known = this.#filters.get(key);
    if (known !== undefined) {
      this.#remember(key, known);
      return known;
    }
    const filter = this.#build(seccomp);
    this.#remember(key, filter);
    return filter;
  }

  #build(seccomp: Seccomp): Uint8Array {
    const profile = encodeSeccomp(seccomp, this.#arch);
    try {
      return this.#native(profile);
    } catch (error) {
      throw explained(error, seccomp);
    }
  }

  /** Keeps those used last: a caller that makes a profile for each container must not fill the memory. */
  #remember(key: string, filter: Uint8Array): void {
    this.#filters.delete(key);
    this.#filters.set(key, filter);
    if (this.#filters.size <= mostFilters) return;
    for (const oldest of this.#filters.keys()) {
      this.#filters.delete(oldest);
      break;
    }
  }
}

const mostFilters = 64;

/** What the filter depends on, as text. */
function contentOf(seccomp: Seccomp): string {
  const content = [seccomp.defaultAction, seccomp.defaultErrnoRet, seccomp.architectures, seccomp.syscalls];
  try {
    return JSON.stringify(content);
  } catch {
    // It cannot write a bigint, which few profiles have, and calling a function for each value makes it ten times slower.
    return JSON.stringify(content, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  }
}

function explained(error: unknown, seccomp: Seccomp): TsrunError {
  const { syscall, errno, detail } = nativeDetails(error);
  if (syscall === 'seccomp_syscall_resolve_name') return unknownCall(detail, seccomp, error);
  const object = detail === '' ? '' : ` of "${detail}"`;
  const reason = errno === 0 ? '' : `: ${systemErrorName(errno)}`;
  return new TsrunError('ERR_TSRUN_INVALID_SPEC', `the seccomp profile cannot be compiled: ${syscall}${object}${reason}`, {
    field: '/linux/seccomp',
    hint: hints.get(syscall),
    cause: error,
  });
}

function unknownCall(name: string, { defaultAction, syscalls = [] }: Seccomp, cause: unknown): TsrunError {
  const rule = syscalls.findIndex((each) => isRequired(each, defaultAction) && each.names.includes(name));
  const field = `/linux/seccomp/syscalls/${rule}/names/${syscalls[rule]?.names.indexOf(name) ?? -1}`;
  const meant = nearest(name, knownCalls());
  const suggestion = meant === undefined ? '' : `, did you mean "${meant}"?`;
  return new TsrunError('ERR_TSRUN_INVALID_SPEC', `spec ${field}: unknown system call ${show(name)}${suggestion}`, {
    field,
    hint: 'this libseccomp does not know the call, and without the rule it would be let through: correct or remove the name',
    cause,
  });
}

function knownCalls(): string[] {
  return [...allowedCalls.flat(), ...gatedCalls.flatMap(({ calls }) => calls), ...deniedCalls.flat()];
}

const hints = new Map([
  ['seccomp_arch_resolve_name', 'this libseccomp does not know the architecture'],
  ['seccomp', 'a filter has room for 4,096 instructions'],
]);

function nativeDetails(error: unknown): { syscall: string; errno: number; detail: string } {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Object.getOwnPropertyDescriptor(error, name)?.value : undefined;
  const [syscall, errno, detail] = [field('syscall'), field('errno'), field('detail')];
  return {
    syscall: typeof syscall === 'string' ? syscall : String(error),
    errno: typeof errno === 'number' && errno > 0 ? errno : 0,
    detail: typeof detail === 'string' ? detail : '',
  };
}
