/** Compiled filters, asked by a BPF machine of our own, against the profile's rules as they stand. Needs the addon, no root. */
import test from 'ava';
import fc from 'fast-check';
import { encodeSeccomp, seccompFlags } from '../../src/engine/seccomp-description.js';
import { SeccompCache } from '../../src/engine/seccomp.js';
import { capabilityNames } from '../../src/spec/capabilities.js';
import { TsrunError } from '../../src/spec/errors.js';
import { recentSyscalls } from '../../src/spec/seccomp-numbers.js';
import { defaultSeccomp } from '../../src/spec/seccomp-profile.js';
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../src/spec/types.js';
import { auditArch, runFilter, verdictName, x32Bit } from '../support/bpf.js';
import { loadCompileSeccomp } from '../support/native-seccomp.js';
import { expectedVerdict, tellingArguments } from '../support/seccomp-rules.js';
import { syscallNumbers } from '../support/syscall-numbers.js';

const here = process.arch === 'arm64' ? 'arm64' : 'x64';
const elsewhere = here === 'x64' ? 'arm64' : 'x64';
const lastNumber = 600;
const compileNative = loadCompileSeccomp();
const compile = (profile: Seccomp): Uint8Array => compileNative(encodeSeccomp(profile, here));
const noArgs: bigint[] = [0n, 0n, 0n, 0n, 0n, 0n];

const ask = (program: Uint8Array, nr: number, args: readonly bigint[] = noArgs, arch: number = auditArch[here]): string =>
  verdictName(runFilter(program, { nr, arch, args }));

const numbers = new Map([...syscallNumbers[here]].map(([number, name]) => [name, number]));
const numberOf = (name: string): number => numbers.get(name) ?? -1;

/** Every number with every telling argument; the first few differences. */
function differences(profile: Seccomp, program: Uint8Array, arch: 'x64' | 'arm64', known = (name: string) => name !== ''): string[] {
  const found: string[] = [];
  for (let nr = 0; nr <= lastNumber; nr++) {
    const name = syscallNumbers[arch].get(nr);
    const asked = name !== undefined && known(name) ? name : undefined;
    for (const args of tellingArguments(profile, asked)) {
      const expected = expectedVerdict(profile, asked, args);
      const got = ask(program, nr, args, auditArch[arch]);
      if (got !== expected) found.push(`${nr} ${name ?? ''}(${args.join(', ')}): ${got}, expected ${expected}`);
    }
  }
  return found.slice(0, 5);
}

for (const [title, capabilities, userNamespace] of [
  ['no capability', [], true],
  ['every capability, user namespace', capabilityNames, true],
  ['every capability, no user namespace', capabilityNames, false],
] as const) {
  const profile = defaultSeccomp({ arch: here, capabilities, userNamespace });

  test(`the default profile says for every call what its rules say (${title})`, (t) => {
    const program = compile(profile);
    t.log(`${program.length / 8} instructions`);
    t.deepEqual(differences(profile, program, here), []);
  });

  test(`the default profile kills every call by another ABI (${title})`, (t) => {
    const program = compile(profile);
    for (let nr = 0; nr <= lastNumber; nr++) {
      for (const args of tellingArguments(profile, syscallNumbers[here].get(nr))) {
        t.is(ask(program, nr, args, auditArch.i386), 'KILL_PROCESS');
        t.is(ask(program, nr, args, auditArch[elsewhere]), 'KILL_PROCESS');
        if (here === 'x64') t.is(ask(program, nr + x32Bit, args), 'KILL_PROCESS');
      }
    }
  });
}

test('a filter for another architecture says the same, but for calls that libseccomp has no name for', (t) => {
  const profile = defaultSeccomp({ arch: elsewhere, capabilities: capabilityNames, userNamespace: false });
  const program = compile(profile);
  t.deepEqual(differences(profile, program, elsewhere, (name) => !recentSyscalls[elsewhere].has(name)), []);
});

if (here === 'x64') {
  test('several architectures: the names mean each one\'s own numbers', (t) => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [
        { names: ['write', 'fchmodat2'], action: 'SCMP_ACT_ALLOW' },
        { names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
        { names: ['mseal'], action: 'SCMP_ACT_LOG', args: [{ index: 2, op: 'SCMP_CMP_EQ', value: 1 }] },
        { names: ['mseal'], action: 'SCMP_ACT_TRAP' },
      ],
    };
    const program = compile(profile);
    t.deepEqual(differences(profile, program, 'x64'), []);
    t.is(ask(program, 4, noArgs, auditArch.i386), 'ALLOW');
    t.is(ask(program, 21, noArgs, auditArch.i386), 'ERRNO 13');
    t.is(ask(program, 1, noArgs, auditArch.i386), 'ERRNO 38');
    t.is(ask(program, x32Bit + 1), 'ALLOW');
    t.is(ask(program, x32Bit + 165), 'ERRNO 13');
    t.is(ask(program, 64, noArgs, auditArch.arm64), 'KILL_PROCESS');
  });
}

const argument = (op: SeccompArg['op'], value: number | bigint, valueTwo?: number | bigint, index = 0): SeccompArg =>
  ({ index, op, value, ...(valueTwo !== undefined && { valueTwo }) });

const rule = (name: string, action: SeccompSyscall['action'], ...args: SeccompArg[]): SeccompSyscall =>
  ({ names: [name], action, ...(args.length > 0 && { args }) });

test('a rule that says what the default says is not lost', (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      rule('socket', 'SCMP_ACT_ERRNO', argument('SCMP_CMP_EQ', 38)),
      rule('socket', 'SCMP_ACT_ALLOW'),
      rule('bpf', 'SCMP_ACT_ERRNO'),
      rule('bpf', 'SCMP_ACT_ALLOW'),
    ],
  };
  const program = compile(profile);
  t.is(ask(program, numberOf('socket'), [38n, 0n, 0n, 0n, 0n, 0n]), 'ERRNO 1');
  t.is(ask(program, numberOf('socket'), [2n, 0n, 0n, 0n, 0n, 0n]), 'ALLOW');
  t.is(ask(program, numberOf('bpf')), 'ERRNO 1');
});

test('a rule without arguments does not hide those with', (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      rule('ioctl', 'SCMP_ACT_ALLOW'),
      rule('ioctl', 'SCMP_ACT_KILL_PROCESS', argument('SCMP_CMP_EQ', 0x5412, undefined, 1)),
      rule('kill', 'SCMP_ACT_TRAP'),
      rule('kill', 'SCMP_ACT_LOG', argument('SCMP_CMP_EQ', 0, undefined, 1)),
    ],
  };
  t.deepEqual(differences(profile, compile(profile), here), []);
});

test('every action, and the numbers that two of them carry', (t) => {
  const cases: [SeccompSyscall['action'], number | undefined, string][] = [
    ['SCMP_ACT_KILL', undefined, 'KILL_THREAD'],
    ['SCMP_ACT_KILL_THREAD', undefined, 'KILL_THREAD'],
    ['SCMP_ACT_KILL_PROCESS', undefined, 'KILL_PROCESS'],
    ['SCMP_ACT_TRAP', undefined, 'TRAP'],
    ['SCMP_ACT_ERRNO', undefined, 'ERRNO 1'],
    ['SCMP_ACT_ERRNO', 0, 'ERRNO 0'],
    ['SCMP_ACT_ERRNO', 4093, 'ERRNO 4093'],
    ['SCMP_ACT_TRACE', 65_535, 'TRACE 65535'],
    ['SCMP_ACT_LOG', undefined, 'LOG'],
    ['SCMP_ACT_ALLOW', undefined, 'ALLOW'],
    ['SCMP_ACT_NOTIFY', undefined, 'NOTIFY'],
  ];
  for (const [action, errnoRet, verdict] of cases) {
    const extra = errnoRet === undefined ? {} : { errnoRet };
    const inRule = compile({ defaultAction: 'SCMP_ACT_TRAP', syscalls: [{ names: ['mount'], action, ...extra }] });
    t.is(ask(inRule, numberOf('mount')), verdict);
    t.is(ask(inRule, numberOf('read')), 'TRAP');
    const byDefault = compile({ defaultAction: action, ...(errnoRet !== undefined && { defaultErrnoRet: errnoRet }) });
    t.is(ask(byDefault, numberOf('read')), verdict);
  }
});

test('64-bit values arrive whole', (t) => {
  const top = (1n << 64n) - 1n;
  for (const op of ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT'] as const) {
    for (const value of [0n, 9_007_199_254_740_993n, (1n << 32n) - 1n, 1n << 32n, top]) {
      const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule('kill', 'SCMP_ACT_ALLOW', argument(op, value, undefined, 5))] };
      t.deepEqual(differences(profile, compile(profile), here), [], `${op} ${value}`);
    }
  }
});

const names = ['read', 'ioctl', 'clone', 'futex', 'mseal'] as const;
const small = fc.oneof(fc.bigInt(0n, 4n), fc.constantFrom(0xffff_ffffn, 1n << 32n, (1n << 32n) + 1n, (1n << 63n) + 2n, (1n << 64n) - 1n));
const randomArgument: fc.Arbitrary<SeccompArg> = fc.record({ index: fc.nat(2), value: small, valueTwo: small, op: fc.constantFrom(
  'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ') })
  .map((each) => ({ ...each, valueTwo: each.valueTwo & each.value }));
const randomAction = fc.constantFrom<SeccompSyscall['action']>('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_LOG', 'SCMP_ACT_TRAP');
const randomRule: fc.Arbitrary<SeccompSyscall> = fc.record({
  names: fc.subarray([...names], { minLength: 1, maxLength: 2 }),
  action: randomAction,
  args: fc.uniqueArray(randomArgument, { maxLength: 3, selector: (each) => each.index }),
});
const randomProfile: fc.Arbitrary<Seccomp> = fc.record({
  defaultAction: randomAction,
  syscalls: fc.array(randomRule, { maxLength: 8 }),
});

test('random profiles compile to what their rules say', (t) => {
  const check = (profile: Seccomp): boolean => {
    const program = compile(profile);
    return names.every((name) => {
      const own = tellingArguments(profile, name);
      return own.every((args) => ask(program, numberOf(name), args) === expectedVerdict(profile, name, args));
    });
  };
  t.notThrows(() => { fc.assert(fc.property(randomProfile, check), { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) }); });
});

test('several conditions on one argument: either of them where that is the stricter, else an error', (t) => {
  const twice = [argument('SCMP_CMP_EQ', 3), argument('SCMP_CMP_EQ', 5)];
  const denies: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('kill', 'SCMP_ACT_ERRNO', ...twice)] };
  t.deepEqual(differences(denies, compile(denies), here), []);
  const error = t.throws(() => compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule('kill', 'SCMP_ACT_ALLOW', ...twice)] }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_UNSUPPORTED');
  t.is(error.field, '/linux/seccomp/syscalls/0/args');
});

test('what cannot be meant is refused', (t) => {
  const masked = rule('kill', 'SCMP_ACT_ALLOW', argument('SCMP_CMP_MASKED_EQ', 0xf0, 0x01));
  t.throws(() => compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [masked] }), { code: 'ERR_TSRUN_INVALID_SPEC', message: /can never hold/ });
  t.throws(() => compile({ defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 }), { code: 'ERR_TSRUN_INVALID_SPEC', message: /SCMP_ACT_ALLOW cannot carry errno 1/ });
  // 4094 stands for "ask the next layer".
  t.throws(() => compile({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4094 }), { code: 'ERR_TSRUN_INVALID_SPEC', message: /cannot carry errno 4094/ });
});

test('a slip of the pen is found where it stands', (t) => {
  const syscalls: SeccompSyscall[] = [
    rule('mkdirr', 'SCMP_ACT_LOG', argument('SCMP_CMP_EQ', 1)),
    { names: ['chmod', 'mkdirr'], action: 'SCMP_ACT_ERRNO' },
  ];
  const error = t.throws(() => new SeccompCache(compileNative, here).compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }), { instanceOf: TsrunError });
  t.is(error.field, '/linux/seccomp/syscalls/1/names/1');
  t.is(error.message, 'spec /linux/seccomp/syscalls/1/names/1: unknown system call "mkdirr", did you mean "mkdir"?');
});

test('a name that libseccomp does not know is skipped, but not if that would let the call through', (t) => {
  const cache = new SeccompCache(compileNative, here);
  const unknown = (defaultAction: Seccomp['defaultAction'], action: Seccomp['defaultAction']): Uint8Array =>
    cache.compile({ defaultAction, syscalls: [rule('a_call_of_2035', action)] });
  t.notThrows(() => unknown('SCMP_ACT_ERRNO', 'SCMP_ACT_ALLOW'));
  t.notThrows(() => unknown('SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS'));
  t.notThrows(() => unknown('SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'));
  const error = t.throws(() => unknown('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO'), { instanceOf: TsrunError });
  t.is(error.message, 'spec /linux/seccomp/syscalls/0/names/0: unknown system call "a_call_of_2035"');
  t.truthy(error.hint);
});

test('errors of libseccomp name what they are about', (t) => {
  const cache = new SeccompCache(compileNative, here);
  t.throws(() => cache.compile({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_VAX'] }), {
    code: 'ERR_TSRUN_INVALID_SPEC',
    message: 'the seccomp profile cannot be compiled: seccomp_arch_resolve_name of "vax": EINVAL',
  });
  const many = Array.from({ length: 1100 }, (_, value) => rule('kill', 'SCMP_ACT_ERRNO', argument('SCMP_CMP_GT', value)));
  t.throws(() => cache.compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: many }), { message: /seccomp: E2BIG/ });
});

test('the addon refuses bytes that are no description', (t) => {
  const whole = encodeSeccomp(defaultSeccomp({ arch: here, capabilities: [], userNamespace: true }), here);
  for (let length = 0; length < whole.length; length += length < 200 ? 1 : 97) {
    t.throws(() => compileNative(whole.subarray(0, length)), { message: /^compileSeccomp: / }, `${length} bytes`);
  }
  t.throws(() => compileNative(Buffer.concat([whole, Buffer.alloc(4)])), { message: /^compileSeccomp: / });
});

test('a damaged description is an error or another filter, never a crash', (t) => {
  const whole = encodeSeccomp(defaultSeccomp({ arch: here, capabilities: [], userNamespace: true }), here).slice(0, 4096);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  t.notThrows(() => {
    fc.assert(fc.property(damage, (changes) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        compileNative(bytes);
      } catch (error) {
        return error instanceof Error && 'errno' in error;
      }
      return true;
    }), { numRuns: 200 });
  });
});

test('flags as seccomp(2) numbers them', (t) => {
  const flags = (seccompFlagNames: string[], notify = false): number =>
    seccompFlags({ defaultAction: 'SCMP_ACT_ALLOW', flags: seccompFlagNames, ...(notify && { syscalls: [rule('mkdir', 'SCMP_ACT_NOTIFY')] }) });
  t.is(flags([]), 0);
  t.is(flags(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']), 7);
  t.is(flags(['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], true), 40);
  t.is(flags(['SECCOMP_FILTER_FLAG_TSYNC'], true), 25);
  t.throws(() => flags(['SECCOMP_FILTER_FLAG_NONE']), { code: 'ERR_TSRUN_INVALID_SPEC' });
});

test('a profile is compiled once for its content', (t) => {
  let compiled = 0;
  const cache = new SeccompCache((bytes) => {
    compiled++;
    return compileNative(bytes);
  }, here);
  // A copy is not tsrun's own, frozen profile, which is known by what it is, not looked into, and compiled by itself.
  const own = defaultSeccomp({ arch: here, capabilities: [], userNamespace: true });
  const make = (): Seccomp => structuredClone(own);
  t.is(cache.compile(own), cache.compile(own));
  t.is(cache.compile(make()), cache.compile(make()));
  t.is(compiled, 2);
  const changed = make();
  const before = cache.compile(changed);
  changed.syscalls?.shift();
  t.not(cache.compile(changed), before);
  for (let value = 0n; value < 100n; value++) cache.compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('kill', 'SCMP_ACT_ERRNO', argument('SCMP_CMP_EQ', value))] });
  t.is(compiled, 103);
});
