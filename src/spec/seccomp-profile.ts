/**
 * tsrun's own seccomp profile, in the runtime-spec's form: an allow-list for the native system calls. A call that is
 * known and denied fails with EPERM; one newer than the lists with ENOSYS, so that a C library falls back to an older.
 * The native ABI only: i386 and x32 would be a way past every filter on arguments (socketcall keeps them in memory).
 *
 * How rules for one call combine is said in `engine/seccomp-layers.ts`: those with arguments are looked at first, in
 * order, then the one without. A runtime that leaves this to libseccomp would refuse every socket by this profile.
 */
import { capabilityNumber } from './capabilities.js';
import { allowedCalls, deniedCalls, gatedCalls, x64OnlyCalls } from './seccomp-syscalls.js';
import type { Seccomp, SeccompSyscall } from './types.js';

export interface SeccompProfileOptions {
  readonly arch: 'x64' | 'arm64';
  /** Names of the capabilities in the bounding set (`CAP_SYS_ADMIN`). */
  readonly capabilities: readonly string[];
  /** The container has a user namespace of its own. */
  readonly userNamespace: boolean;
}

const errno = { perm: 1, nosys: 38, protocol: 93, family: 97 } as const;

/** Namespaces that clone(2) can make. CLONE_NEWTIME is not one: its bit is part of clone's exit signal. */
const namespaceFlags = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
const newUserFlag = 0x1000_0000;

/** The kernel looks at 32 bits of these arguments; what is above them must not make a comparison fail (CVE-2019-10063). */
const low32 = 0xffff_ffff;

const family = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
const netlinkAudit = 9;

const made = new Map<string, Seccomp>();
const own = new WeakMap<object, string>();

/** One frozen profile for each set of options: who is given one may compare it, and need not look into it again. */
export function defaultSeccomp(options: SeccompProfileOptions): Seccomp {
  const mask = options.capabilities.reduce((bits, name) => bits | (1n << BigInt(capabilityNumber(name) ?? 0)), 0n);
  const key = `${options.arch}-${options.userNamespace ? 'users' : 'host'}-${mask.toString(16)}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const profile = deepFreeze(makeProfile(options));
  made.set(key, profile);
  own.set(profile, key);
  return profile;
}

/** True for what `defaultSeccomp` gave, and for nothing that merely looks like it. */
export function isDefaultSeccomp(profile: object): boolean {
  return own.has(profile);
}

/** Which of tsrun's own profiles it is, as a name that a file may have. */
export function defaultSeccompName(profile: object): string | undefined {
  return own.get(profile);
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member);
  return Object.freeze(value);
}

function makeProfile(options: SeccompProfileOptions): Seccomp {
  const granted = new Set(options.capabilities);
  const gates = gatedCalls().map((gate) => ({
    calls: gate.calls,
    open: gate.capabilities.some((name) => granted.has(name)) && !(gate.firstUserNamespaceOnly && options.userNamespace),
  }));
  const open = gates.filter((gate) => gate.open).flatMap((gate) => gate.calls);
  const shut = gates.filter((gate) => !gate.open).flatMap((gate) => gate.calls);
  const foreign: ReadonlySet<string> = options.arch === 'x64' ? new Set() : x64OnlyCalls();
  const here = (names: readonly string[]): string[] => names.filter((name) => !foreign.has(name));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: errno.nosys,
    architectures: [options.arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: here([...allowedCalls().flat(), ...open]), action: 'SCMP_ACT_ALLOW' },
      ...cloneRules(granted),
      ...ioctlRules(),
      ...socketRules(granted),
      ...personalityRules(),
      { names: here([...deniedCalls().flat(), ...shut]), action: 'SCMP_ACT_ERRNO', errnoRet: errno.perm },
    ],
  };
}

const allow = (name: string, index: number, value: number, mask = low32): SeccompSyscall =>
  ({ names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index, op: 'SCMP_CMP_MASKED_EQ', value: mask, valueTwo: value }] });

const refuse = (name: string, errnoRet: number, ...conditions: [index: number, value: number, mask?: number][]): SeccompSyscall => ({
  names: [name],
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...(conditions.length > 0 && {
    args: conditions.map(([index, valueTwo, value = low32]) => ({ index, op: 'SCMP_CMP_MASKED_EQ' as const, value, valueTwo })),
  }),
});

/** Allowed with none of the flags set; each flag is refused by name, so that no rule overlaps another. */
function without(name: string, index: number, flags: readonly number[]): SeccompSyscall[] {
  const all = flags.reduce((sum, flag) => sum + flag, 0);
  return [allow(name, index, 0, all), ...flags.map((flag) => refuse(name, errno.perm, [index, flag, flag]))];
}

/**
 * New processes. clone3 keeps its flags in memory, where no filter sees them: C libraries take ENOSYS as "use clone".
 * A user namespace is never made nor joined by name: it is the door to most of the kernel's privilege escalations.
 */
function cloneRules(granted: ReadonlySet<string>): SeccompSyscall[] {
  const clone3 = refuse('clone3', errno.nosys);
  if (granted.has('CAP_SYS_ADMIN')) {
    return [
      clone3,
      ...without('clone', 0, [newUserFlag]),
      ...without('unshare', 0, [newUserFlag]),
      ...without('setns', 1, [newUserFlag]),
    ];
  }
  return [clone3, ...without('clone', 0, namespaceFlags), refuse('unshare', errno.perm), refuse('setns', errno.perm)];
}

/** All but the two that put bytes into a terminal's input queue, and so into the caller's shell (CVE-2017-5226). */
function ioctlRules(): SeccompSyscall[] {
  const tiocsti = 0x5412;
  const tioclinux = 0x541c;
  return [
    refuse('ioctl', errno.perm, [1, tiocsti]),
    refuse('ioctl', errno.perm, [1, tioclinux]),
    { names: ['ioctl'], action: 'SCMP_ACT_ALLOW' },
  ];
}

/**
 * The families that programs use; each other one is a module that the first socket would load into the host (AF_ALG:
 * CVE-2026-31431; AF_VSOCK reaches the hypervisor). EAFNOSUPPORT is what a kernel without them says.
 */
function socketRules(granted: ReadonlySet<string>): SeccompSyscall[] {
  const families: number[] = [family.unix, family.inet, family.inet6, family.netlink];
  if (granted.has('CAP_NET_RAW')) families.push(family.packet);
  // Without the capability every audit record is refused, and PAM takes that, unlike a kernel without audit, as a reason to refuse the login.
  const audit = granted.has('CAP_AUDIT_WRITE') ? [] : [refuse('socket', errno.protocol, [0, family.netlink], [2, netlinkAudit])];
  return [
    ...audit,
    ...families.map((value) => allow('socket', 0, value)),
    refuse('socket', errno.family),
    allow('socketpair', 0, family.unix),
    refuse('socketpair', errno.family),
  ];
}

/**
 * Only to ask (0xffffffff), and PER_LINUX and PER_LINUX32, which change what uname says. The other bits switch off
 * address randomisation, make data executable or map page zero.
 */
function personalityRules(): SeccompSyscall[] {
  return [...[0, 8, low32].map((value) => allow('personality', 0, value)), refuse('personality', errno.perm)];
}
