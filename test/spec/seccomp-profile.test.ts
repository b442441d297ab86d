import test from 'ava';
import { capabilityNames } from '../../src/spec/capabilities.js';
import { recentSyscalls } from '../../src/spec/seccomp-numbers.js';
import { defaultSeccomp, isDefaultSeccomp } from '../../src/spec/seccomp-profile.js';
import { allowedCalls, deniedCalls, gatedCalls, x64OnlyCalls } from '../../src/spec/seccomp-syscalls.js';
import type { Seccomp } from '../../src/spec/types.js';
import { expectedVerdict } from '../support/seccomp-rules.js';
import { syscallNumbers } from '../support/syscall-numbers.js';

const arches = ['x64', 'arm64'] as const;
const filteredCalls = ['clone', 'clone3', 'ioctl', 'personality', 'setns', 'socket', 'socketpair', 'unshare'];
/** Docker's set without MKNOD, AUDIT_WRITE, SETFCAP and NET_RAW: nothing that opens a gate but SYS_CHROOT. */
const usual = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT'];

const profile = (capabilities: readonly string[] = usual, userNamespace = true, arch: 'x64' | 'arm64' = 'x64') =>
  defaultSeccomp({ arch, capabilities, userNamespace });

const ask = (capabilities: readonly string[], userNamespace: boolean, name: string, ...args: number[]) =>
  expectedVerdict(profile(capabilities, userNamespace), name, Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0)));

for (const arch of arches) {
  test(`every system call of ${arch} is in exactly one list`, (t) => {
    const listed = [...allowedCalls().flat(), ...gatedCalls().flatMap((gate) => gate.calls), ...deniedCalls().flat(), ...filteredCalls];
    const here = arch === 'x64' ? listed : listed.filter((name) => !x64OnlyCalls().has(name));
    t.deepEqual(here.toSorted(), [...syscallNumbers[arch].values()].toSorted());
  });

  test(`${arch}: known calls are never left to the default`, (t) => {
    for (const capabilities of [[], usual, capabilityNames]) {
      const own = profile(capabilities, true, arch);
      const named = new Set(own.syscalls?.flatMap((rule) => rule.names));
      t.deepEqual([...named].toSorted(), [...syscallNumbers[arch].values()].toSorted());
    }
  });

  test(`${arch}: numbers of recent calls are the kernel's`, (t) => {
    for (const [name, number] of recentSyscalls[arch]) t.is(syscallNumbers[arch].get(number), name);
    for (const [number, name] of syscallNumbers[arch]) if (number > 450) t.is(recentSyscalls[arch].get(name), number);
  });
}

test('x64-only calls are those that arm64 lacks', (t) => {
  const arm64 = new Set(syscallNumbers.arm64.values());
  t.deepEqual([...x64OnlyCalls()].toSorted(), [...syscallNumbers.x64.values()].filter((name) => !arm64.has(name)).toSorted());
});

/** System calls that a profile allows whatever their arguments are: its size as a surface. */
function unconditionalAllows(profile: Seccomp): number {
  const rules = profile.syscalls ?? [];
  const filtered = new Set(rules.filter((rule) => (rule.args ?? []).length > 0).flatMap((rule) => rule.names));
  const first = new Map<string, string>();
  for (const rule of rules) {
    for (const name of rule.names) if (!filtered.has(name) && !first.has(name)) first.set(name, rule.action);
  }
  return [...first.values()].filter((action) => action === 'SCMP_ACT_ALLOW').length;
}

test('the surface stays below 300 unconditional calls, docker allowing 361', (t) => {
  t.log(`x64 ${unconditionalAllows(profile())}, arm64 ${unconditionalAllows(profile(usual, true, 'arm64'))}`);
  t.log(`with every capability: ${unconditionalAllows(profile(capabilityNames, false))}`);
  t.true(unconditionalAllows(profile()) <= 300);
});

test('only the native ABI', (t) => {
  t.deepEqual(profile().architectures, ['SCMP_ARCH_X86_64']);
  t.deepEqual(profile(usual, true, 'arm64').architectures, ['SCMP_ARCH_AARCH64']);
});

test('newer than the lists is ENOSYS, known and denied EPERM', (t) => {
  t.is(ask(usual, true, 'a_call_of_2035'), 'ERRNO 38');
  for (const name of ['io_uring_setup', 'userfaultfd', 'keyctl', 'bpf', 'perf_event_open', 'mount', 'kexec_load', 'ptrace']) {
    t.is(ask(usual, true, name), 'ERRNO 1', name);
  }
});

test('clone3 is ENOSYS, so that clone is used, which makes no namespace', (t) => {
  for (const capabilities of [usual, capabilityNames]) t.is(ask(capabilities, true, 'clone3'), 'ERRNO 38');
  t.is(ask(usual, true, 'clone', 0x3d_0f00), 'ALLOW');
  for (const flag of [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]) {
    t.is(ask(usual, true, 'clone', 0x11 + flag), 'ERRNO 1');
  }
});

test('no capability opens a user namespace', (t) => {
  for (const name of ['clone', 'unshare']) {
    t.is(ask(capabilityNames, false, name, 0x2_0000), 'ALLOW');
    t.is(ask(capabilityNames, false, name, 0x1002_0000), 'ERRNO 1');
  }
  t.is(ask(capabilityNames, false, 'setns', 3, 0x4000_0000), 'ALLOW');
  t.is(ask(capabilityNames, false, 'setns', 3, 0x1000_0000), 'ERRNO 1');
  t.is(ask(usual, false, 'unshare', 0x200), 'ERRNO 1');
});

test('TIOCSTI and TIOCLINUX are refused whatever stands above their 32 bits', (t) => {
  const high = 2 ** 32;
  for (const request of [0x5412, 0x541c, high + 0x5412, 0xffff * high + 0x541c]) t.is(ask(capabilityNames, false, 'ioctl', 0, request), 'ERRNO 1');
  for (const request of [0x5401, 0x5413, 0x541b, high + 0x5401]) t.is(ask(usual, true, 'ioctl', 0, request), 'ALLOW');
});

test('sockets: unix, inet, netlink; packet with NET_RAW; audit with AUDIT_WRITE', (t) => {
  for (const family of [1, 2, 10, 16]) t.is(ask(usual, true, 'socket', family), 'ALLOW');
  for (const family of [0, 17, 29, 38, 40, 44, 2 ** 32 + 38, 1000]) t.is(ask(usual, true, 'socket', family), 'ERRNO 97');
  t.is(ask([...usual, 'CAP_NET_RAW'], true, 'socket', 17), 'ALLOW');
  t.is(ask(usual, true, 'socket', 16, 3, 9), 'ERRNO 93');
  t.is(ask([...usual, 'CAP_AUDIT_WRITE'], true, 'socket', 16, 3, 9), 'ALLOW');
  t.is(ask(usual, true, 'socketpair', 1), 'ALLOW');
  t.is(ask(usual, true, 'socketpair', 38), 'ERRNO 97');
});

test('personality only to ask, and to say another name', (t) => {
  for (const value of [0, 8, 0xffff_ffff]) t.is(ask(usual, true, 'personality', value), 'ALLOW');
  for (const value of [0x4_0000, 0x40_0000, 0x10_0000, 0x40_0008]) t.is(ask(usual, true, 'personality', value), 'ERRNO 1');
});

test('each gate opens with each of its capabilities, and only where the kernel honours it', (t) => {
  for (const gate of gatedCalls()) {
    for (const capability of gate.capabilities) {
      for (const name of gate.calls) {
        t.is(ask([capability], false, name), 'ALLOW', `${name} with ${capability}`);
        t.is(ask([capability], true, name), gate.firstUserNamespaceOnly ? 'ERRNO 1' : 'ALLOW', `${name} in a user namespace`);
        t.is(ask(capabilityNames.filter((other) => !gate.capabilities.includes(other)), false, name), 'ERRNO 1', `${name} without`);
      }
    }
  }
});

test('there is one profile for each set of options, and nobody can change it', (t) => {
  const one = profile();
  t.is(one, profile());
  t.true(isDefaultSeccomp(one));
  t.false(isDefaultSeccomp(structuredClone(one)));
  t.throws(() => one.syscalls?.pop(), { instanceOf: TypeError });
  t.throws(() => one.syscalls?.[0]?.names.push('reboot'), { instanceOf: TypeError });
});
