/** Seccomp filters, compiled once for each profile and process. The addon knows libseccomp and nothing about what a profile should be. */
import { systemErrorName } from '../spec/errno.js';
import { nearest, TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import { defaultSeccompName } from '../spec/seccomp-profile.js';
import { allowedCalls, deniedCalls, gatedCalls } from '../spec/seccomp-syscalls.js';
import type { Seccomp } from '../spec/types.js';
import { encodeSeccomp } from './seccomp-description.js';
import { isRequired } from './seccomp-layers.js';

export type CompileSeccomp = (profile: Uint8Array) => Uint8Array;

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
  return [...allowedCalls().flat(), ...gatedCalls().flatMap(({ calls }) => calls), ...deniedCalls().flat()];
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
