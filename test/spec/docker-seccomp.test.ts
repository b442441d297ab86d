import test from 'ava';
import { validateRunOptions } from '../../src/container/options/validate-options.js';
import { isDockerSeccomp, resolveDockerSeccomp, type DockerSeccomp, type DockerSeccompSyscall, type SeccompSurroundings } from '../../src/spec/docker-seccomp.js';
import { validateSpec } from '../../src/spec/validate.js';

const here: SeccompSurroundings = { arch: 'x64', kernel: { major: 6, minor: 1 }, capabilities: ['CAP_CHOWN', 'CAP_SYS_CHROOT'] };
const allow = 'SCMP_ACT_ALLOW';

function profile(...syscalls: readonly DockerSeccompSyscall[]): DockerSeccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', archMap: [], syscalls: [...syscalls] };
}

/** Names of the calls whose rules count. */
function counting(rule: Omit<DockerSeccompSyscall, 'names' | 'action'>, surroundings: Partial<SeccompSurroundings> = {}): boolean {
  return resolveDockerSeccomp(profile({ names: ['call'], action: allow, ...rule }), { ...here, ...surroundings }).syscalls?.length === 1;
}

test('included are rules whose capabilities are all in the bounding set, excluded those of which one is', (t) => {
  t.true(counting({ includes: { caps: ['CAP_SYS_CHROOT'] } }));
  t.true(counting({ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_CHROOT'] } }));
  t.false(counting({ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }));
  t.false(counting({ includes: { caps: ['CAP_SYS_CHROOT'] } }, { capabilities: [] }));
  t.false(counting({ excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } }));
  t.true(counting({ excludes: { caps: ['CAP_SYS_ADMIN'] } }));
  t.true(counting({ includes: { caps: [] }, excludes: { caps: [] } }), 'an empty list says nothing');
});

test("architectures have Go's names", (t) => {
  t.true(counting({ includes: { arches: ['amd64', 'x32'] } }));
  t.false(counting({ includes: { arches: ['arm', 'arm64'] } }));
  t.true(counting({ includes: { arches: ['arm', 'arm64'] } }, { arch: 'arm64' }));
  t.false(counting({ excludes: { arches: ['amd64'] } }));
  t.true(counting({ includes: { arches: [] } }));
});

test('kernels are compared by number, not as text', (t) => {
  for (const [minKernel, counts] of [['4.8', true], ['6.1', true], ['6.2', false], ['6.10', false], ['10.0', false], ['5.19', true]] as const) {
    t.is(counting({ includes: { minKernel } }), counts, minKernel);
    t.is(counting({ excludes: { minKernel } }), !counts, minKernel);
  }
});

test('all of the conditions must hold', (t) => {
  t.false(counting({ includes: { arches: ['amd64'], minKernel: '9.0' } }));
  t.false(counting({ includes: { arches: ['amd64'] }, excludes: { caps: ['CAP_CHOWN'] } }));
});

test('what is left is plain: names, action, errno by name or number, arguments, architectures', (t) => {
  const args = [{ index: 0, value: 8, valueTwo: 0, op: 'SCMP_CMP_EQ' }] as const;
  const resolved = resolveDockerSeccomp({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrno: 'ENOSYS',
    defaultErrnoRet: 1,
    archMap: [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ],
    syscalls: [
      { names: ['personality'], action: allow, args: [...args], includes: {}, excludes: {} },
      { name: 'acct', action: 'SCMP_ACT_ERRNO', errnoRet: 22, errno: 'EPERM', args: null, includes: null },
      { names: ['bpf'], action: 'SCMP_ACT_ERRNO', errnoRet: 22, args: [] },
    ],
  }, here);
  t.deepEqual(resolved, {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: ['personality'], action: allow, args: [...args] },
      { names: ['acct'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      { names: ['bpf'], action: 'SCMP_ACT_ERRNO', errnoRet: 22 },
    ],
  });
  t.notThrows(() => validateSpec({ ociVersion: '1.3.0', root: { path: '/x' }, linux: { seccomp: resolved } }));
});

test('an errno that the action does not return is passed over', (t) => {
  const { defaultErrnoRet, syscalls } = resolveDockerSeccomp({ defaultAction: allow, defaultErrnoRet: 1, syscalls: [{ names: ['a'], action: 'SCMP_ACT_LOG', errno: 'EPERM' }] }, here);
  t.deepEqual([defaultErrnoRet, syscalls], [undefined, [{ names: ['a'], action: 'SCMP_ACT_LOG' }]]);
});

test('a profile that has nothing of docker is the runtime-spec\'s', (t) => {
  t.false(isDockerSeccomp({ defaultAction: allow, architectures: [], syscalls: [{ names: ['a'], action: allow }] }));
  for (const docker of [{ archMap: [] }, { defaultErrno: 'EPERM' }, { syscalls: [{ includes: {} }] }, { syscalls: [{ name: 'a' }] }]) t.true(isDockerSeccomp(docker));
});

test('faults are named by their place in the profile', (t) => {
  const faulty = (change: object, field: string, message: RegExp) => {
    const error = t.throws(() => validateRunOptions({ seccomp: { defaultAction: allow, archMap: [], ...change } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message });
    t.like(error, { field: `/seccomp${field}` });
  };
  const rule = (change: object) => ({ syscalls: [{ names: ['a'], action: allow, ...change }] });
  faulty(rule({ includes: { minKernel: '4' } }), '/syscalls/0/includes/minKernel', /a version such as "4.8"/);
  faulty(rule({ excludes: { caps: ['CAP_NONE'] } }), '/syscalls/0/excludes/caps/0', /a capability/);
  faulty(rule({ errno: 'ENONE' }), '/syscalls/0/errno', /the name of an errno/);
  faulty(rule({ action: 'ALLOW' }), '/syscalls/0/action', /an action/);
  faulty(rule({ includes: { cap: ['CAP_CHOWN'] } }), '/syscalls/0/includes/cap', /unknown field/);
  faulty(rule({ name: 'b' }), '/syscalls/0', /"name" and "names"/);
  faulty({ syscalls: [{ action: allow, includes: {} }] }, '/syscalls/0', /names no call/);
  faulty({ archMap: [{ architecture: 'SCMP_ARCH_X86_64' }], architectures: ['SCMP_ARCH_X86_64'] }, '/architectures', /beside "archMap"/);
  faulty({ archMap: [{ architecture: 'amd64' }] }, '/archMap/0/architecture', /an architecture/);
});
