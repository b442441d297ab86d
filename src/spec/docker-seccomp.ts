/**
 * Seccomp profiles in docker's own form (moby's profiles/seccomp, and containers' /usr/share/containers/seccomp.json): rules
 * that count only on some architectures, with some capabilities, from some kernel on. Turned into the runtime-spec's plain form
 * once it is known for what. Pure.
 */
import { constants } from 'node:os';
import { readCapability } from './capabilities.js';
import type { Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from './types.js';

/** A seccomp profile in docker's own form, as its `--security-opt seccomp=FILE` takes it. */
export interface DockerSeccomp {
  /** For calls that no rule names. */
  defaultAction: SeccompAction;
  /** With `SCMP_ACT_ERRNO`. Default EPERM. */
  defaultErrnoRet?: number | null;
  /** The same by name, as podman writes it; stands over the number. */
  defaultErrno?: string | null;
  /** Which architectures count as well, by the native one. */
  archMap?: DockerSeccompArchitecture[] | null;
  /** Architectures in the runtime-spec's way; not together with `archMap`. */
  architectures?: string[] | null;
  /** As in the runtime-spec. */
  flags?: string[] | null;
  /** Rules, each with what it depends on. */
  syscalls?: DockerSeccompSyscall[] | null;
}

/** An architecture, and those whose programs run on it too. */
export interface DockerSeccompArchitecture {
  /** `SCMP_ARCH_X86_64` … */
  architecture: string;
  /** `SCMP_ARCH_X86` … */
  subArchitectures?: string[] | null;
}

/** A rule, and when it counts: all of `includes` must hold, none of `excludes` may. */
export interface DockerSeccompSyscall {
  /** The calls. */
  names?: string[] | null;
  /** A single one; old profiles have it instead of `names`. */
  name?: string | null;
  /** What becomes of them. */
  action: SeccompAction;
  /** With `SCMP_ACT_ERRNO`. Default EPERM. */
  errnoRet?: number | null;
  /** The same by name; stands over the number. */
  errno?: string | null;
  /** All must hold. */
  args?: SeccompArg[] | null;
  /** What must be so. */
  includes?: DockerSeccompFilter | null;
  /** What must not be so. */
  excludes?: DockerSeccompFilter | null;
}

/** What a rule depends on. */
export interface DockerSeccompFilter {
  /** In the bounding set: included when all are there, excluded when one is. */
  caps?: string[] | null;
  /** Go's names: `amd64`, `arm64`. */
  arches?: string[] | null;
  /** At least this kernel: `4.8`. */
  minKernel?: string | null;
}

/** For what a profile is resolved. */
export interface SeccompSurroundings {
  readonly arch: 'x64' | 'arm64';
  readonly kernel: { readonly major: number; readonly minor: number };
  /** Names of the capabilities in the bounding set. */
  readonly capabilities: readonly string[];
}

/** Whether a profile has anything that only docker's form has; what both have is the runtime-spec's. */
export function isDockerSeccomp(profile: object): profile is DockerSeccomp {
  if ('archMap' in profile || 'defaultErrno' in profile) return true;
  const rules: unknown = 'syscalls' in profile ? profile.syscalls : undefined;
  return Array.isArray(rules) && rules.some((rule: unknown) => typeof rule === 'object' && rule !== null && dockerKeys.some((key) => key in rule));
}

const dockerKeys = ['includes', 'excludes', 'name', 'errno'];
const goArchitectures = { x64: 'amd64', arm64: 'arm64' } as const;
const nativeArchitectures = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const;

/** As moby's setupSeccomp has it. */
export function resolveDockerSeccomp(profile: DockerSeccomp, surroundings: SeccompSurroundings): Seccomp {
  const architectures = architecturesFor(profile, surroundings);
  const errnoRet = errnoOf(profile.defaultAction, profile.defaultErrno, profile.defaultErrnoRet);
  return {
    defaultAction: profile.defaultAction,
    ...(errnoRet !== undefined && { defaultErrnoRet: errnoRet }),
    ...(architectures.length > 0 && { architectures }),
    ...(present(profile.flags) && { flags: profile.flags }),
    syscalls: (profile.syscalls ?? []).filter((rule) => counts(rule, surroundings)).map(plain),
  };
}

function architecturesFor({ archMap, architectures }: DockerSeccomp, { arch }: SeccompSurroundings): string[] {
  const native = (archMap ?? []).find(({ architecture }) => architecture === nativeArchitectures[arch]);
  return native === undefined ? (architectures ?? []) : [native.architecture, ...(native.subArchitectures ?? [])];
}

function counts({ includes, excludes }: DockerSeccompSyscall, surroundings: SeccompSurroundings): boolean {
  const { caps, arches, minKernel } = surroundingsTests(surroundings);
  const forbids = excludes?.caps?.some(caps) === true || (present(excludes?.arches) && arches(excludes.arches)) || (present(excludes?.minKernel) && minKernel(excludes.minKernel));
  if (forbids) return false;
  const arch = !present(includes?.arches) || includes.arches.length === 0 || arches(includes.arches);
  return arch && (includes?.caps ?? []).every(caps) && (!present(includes?.minKernel) || minKernel(includes.minKernel));
}

function surroundingsTests({ arch, kernel, capabilities }: SeccompSurroundings) {
  return {
    caps: (name: string) => capabilities.includes(readCapability(name) ?? name),
    arches: (names: readonly string[]) => names.includes(goArchitectures[arch]),
    minKernel: (version: string) => {
      const [major = 0, minor = 0] = version.split('.').map(Number);
      return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
    },
  };
}

function plain({ name, names, action, errno, errnoRet: number, args }: DockerSeccompSyscall): SeccompSyscall {
  const errnoRet = errnoOf(action, errno, number);
  return {
    names: present(name) && name !== '' ? [name] : (names ?? []),
    action,
    ...(errnoRet !== undefined && { errnoRet }),
    ...(present(args) && args.length > 0 && { args }),
  };
}

/** Docker passes over one that the action does not return, the runtime-spec refuses it. */
function errnoOf(action: SeccompAction, name: string | null | undefined, number: number | null | undefined): number | undefined {
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE') return undefined;
  return errnoNumber(name ?? '') ?? number ?? undefined;
}

/** The number of an errno by name; undefined where there is none. */
export function errnoNumber(name: string): number | undefined {
  return new Map<string, number>(Object.entries(constants.errno)).get(name);
}

/** Go writes what is not set as null. */
function present<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}
