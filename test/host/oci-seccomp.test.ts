// Seccomp profiles of tsrun-oci: actions, operators, flags, and calls that somebody else answers (config-linux.md, "Seccomp").
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join, resolve } from 'node:path';
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../src/spec/types.js';
import { ociLab, ociTest } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();
const native = process.arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
const eperm = 'Operation not permitted';
/** Only with number 123. */
const noMedium = 'No medium found';

function runWith(seccomp: Seccomp, script: string, process: Readonly<Record<string, unknown>> = {}) {
  return lab.call('run', '--bundle', lab.bundle({ args: ['sh', '-c', script], process, linux: { seccomp }, more: { mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs' }, { destination: '/tmp', type: 'tmpfs' }] } }), lab.newId());
}

function denying(rule: Partial<SeccompSyscall>, more: Partial<Seccomp> = {}): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', architectures: [native], syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', ...rule }], ...more };
}

here('what becomes of a call, by action', (t) => {
  const makes = 'mkdir /tmp/a; echo $?';
  const rows: readonly (readonly [rule: Partial<SeccompSyscall>, out: string, err: string])[] = [
    [{ action: 'SCMP_ACT_ALLOW' }, '0\n', ''],
    [{ action: 'SCMP_ACT_LOG' }, '0\n', ''],
    [{ action: 'SCMP_ACT_ERRNO' }, '1\n', eperm],
    [{ action: 'SCMP_ACT_ERRNO', errnoRet: 123 }, '1\n', noMedium],
    // Nobody traces it: the call is none (seccomp(2)).
    [{ action: 'SCMP_ACT_TRACE' }, '1\n', 'Function not implemented'],
    [{ action: 'SCMP_ACT_TRAP' }, '159\n', ''],
    [{ action: 'SCMP_ACT_KILL' }, '159\n', ''],
    [{ action: 'SCMP_ACT_KILL_THREAD' }, '159\n', ''],
    [{ action: 'SCMP_ACT_KILL_PROCESS' }, '159\n', ''],
  ];
  for (const [rule, out, err] of rows) {
    const { stdout, stderr } = runWith(denying(rule), makes);
    t.is(stdout, out, `${JSON.stringify(rule)} ${stderr}`);
    t.true(stderr.includes(err), `${JSON.stringify(rule)} ${stderr}`);
  }
});

here('a call that nobody knows is left out with a warning, and the rest of its rule holds', (t) => {
  const log = join(lab.folder, 'unknown-calls');
  const bundle = lab.bundle({ args: ['sh', '-c', 'mkdir /tmp/a; echo $?'], linux: { seccomp: denying({ names: ['no_such_call', 'mkdir', 'no_other', 'mkdirat'] }) }, more: { mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs' }, { destination: '/tmp', type: 'tmpfs' }] } });
  const { code, stdout, stderr } = lab.call('--log', log, '--log-format', 'json', 'run', '--bundle', bundle, lab.newId());
  t.deepEqual([code, stdout], [0, '1\n'], stderr);
  t.true(stderr.includes(eperm), stderr);
  const said = readFileSync(log, 'utf8').trimEnd().split('\n').map((line): unknown => JSON.parse(line));
  t.is(said.length, 2);
  for (const [index, name] of ['no_such_call', 'no_other'].entries()) t.like(said[index], { level: 'warning', msg: `unknown seccomp syscall "${name}" ignored: it gets what linux.seccomp has for all others` });
  // A rule with nothing else in it.
  t.is(runWith(denying({ names: ['no_such_call'] }), 'mkdir /tmp/a; echo $?').stdout, '0\n');
});

here('a default that denies, with a number of its own', (t) => {
  const names = ['read', 'write', 'openat', 'open', 'close', 'execve', 'exit_group', 'brk', 'mmap', 'mprotect', 'munmap', 'arch_prctl', 'set_tid_address', 'fcntl', 'rt_sigaction', 'rt_sigprocmask', 'getuid', 'geteuid', 'getppid', 'getpid', 'ioctl', 'fstat', 'stat', 'lstat', 'newfstatat', 'set_robust_list', 'rseq', 'prlimit64', 'getrandom', 'readlink', 'readlinkat', 'sendto', 'recvmsg', 'faccessat', 'faccessat2', 'getcwd', 'prctl', 'setuid', 'setgid', 'getgid', 'getegid', 'poll', 'ppoll', 'uname', 'futex', 'sigaltstack', 'writev', 'readv', 'dup2', 'dup3'];
  const { stdout, stderr } = runWith({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 123, architectures: [native], syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }, 'cd /tmp || echo denied');
  t.is(stdout, 'denied\n', stderr);
  t.true(stderr.includes(noMedium), stderr);
});

here('without no_new_privs too a profile need not allow what tsrun-oci does before the program', (t) => {
  const mayDo = { permitted: ['CAP_KILL'], effective: ['CAP_KILL'], bounding: ['CAP_KILL'] };
  const rule = { names: ['close_range', 'dup3', 'rt_sigaction', 'rt_sigprocmask', 'openat2', 'umask', 'prlimit64', 'setsid'] };
  for (const noNewPrivileges of [false, true]) {
    const bundle = lab.bundle({ args: ['true'], process: { noNewPrivileges, capabilities: mayDo }, linux: { seccomp: denying(rule) } });
    const { code, stderr } = lab.call('run', '--bundle', bundle, lab.newId());
    t.is(code, 0, stderr);
  }
});

/** Signals that do nothing, which a shell sends to itself. */
const signals = [0, 17, 18, 23, 28];

here('what an argument is compared with, by operator', (t) => {
  const rows: readonly (readonly [condition: Omit<SeccompArg, 'index'>, denied: readonly number[]])[] = [
    [{ op: 'SCMP_CMP_NE', value: 18 }, [0, 17, 23, 28]],
    [{ op: 'SCMP_CMP_LT', value: 18 }, [0, 17]],
    [{ op: 'SCMP_CMP_LE', value: 18 }, [0, 17, 18]],
    [{ op: 'SCMP_CMP_EQ', value: 18 }, [18]],
    [{ op: 'SCMP_CMP_GE', value: 18 }, [18, 23, 28]],
    [{ op: 'SCMP_CMP_GT', value: 18 }, [23, 28]],
    [{ op: 'SCMP_CMP_MASKED_EQ', value: 0b10000, valueTwo: 0b10000 }, [17, 18, 23, 28]],
  ];
  for (const [condition, denied] of rows) {
    const profile = denying({ names: ['kill'], args: [{ index: 1, ...condition }] });
    const { stdout, stderr } = runWith(profile, `for n in ${signals.join(' ')}; do kill -$n $$ 2>/dev/null || echo $n; done`);
    t.deepEqual(stdout.trim().split('\n').filter((line) => line !== '').map(Number), denied, `${condition.op} ${stderr}`);
  }
});

here('flags, and architectures beside the processor\'s own', (t) => {
  for (const flag of ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] as const) {
    const { stderr, code } = runWith(denying({}, { flags: [flag] }), 'grep Seccomp: /proc/self/status; mkdir /tmp/a');
    t.true(stderr.includes(eperm), `${flag} ${stderr}`);
    t.is(code, 1);
  }
  const others = process.arch === 'x64' ? ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] : ['SCMP_ARCH_ARM'];
  t.true(runWith(denying({}, { architectures: [native, ...others] }), 'mkdir /tmp/a').stderr.includes(eperm));
});

here('the filter is there without no_new_privs as well', (t) => {
  const { stdout, stderr } = runWith(denying({}), 'grep NoNewPrivs /proc/self/status; mkdir /tmp/a', { noNewPrivileges: false });
  t.regex(stdout, /NoNewPrivs:\t0/);
  t.true(stderr.includes(eperm), stderr);
});

interface Agent {
  readonly socket: string;
  /** What came so far, a line for each connection. */
  readonly heard: string[];
  readonly end: () => void;
}

async function agent(): Promise<Agent> {
  const socket = join(lab.folder, `agent-${lab.newId()}`);
  const child = spawn('python3', [resolve(import.meta.dirname, '../../../test/support/seccomp-agent.py'), socket, '123'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: string[] = [];
  const lines = createInterface(child.stdout);
  await new Promise<void>((done) => {
    lines.on('line', (line) => {
      if (line === 'listening') done();
      else heard.push(line);
    });
  });
  return { socket, heard, end: () => { child.kill('SIGKILL'); } };
}

here('calls that somebody else answers: create and exec hand the listener over', async (t) => {
  const { socket, heard, end } = await agent();
  try {
    const seccomp = denying({ action: 'SCMP_ACT_NOTIFY' }, { listenerPath: socket, listenerMetadata: 'what "it" is for' });
    for (const noNewPrivileges of [true, false]) {
      heard.length = 0;
      const id = lab.newId();
      const bundle = lab.bundle({ args: ['sh', '-c', 'mkdir /tmp/a; sleep 1000'], process: { noNewPrivileges }, linux: { seccomp } });
      const created = await lab.begin('create', '--bundle', bundle, id);
      t.is(created.code, 0, created.stderr);
      const pid = lab.state(id)['pid'];
      t.is((await lab.begin('start', id)).code, 0);
      const executed = await lab.begin('exec', id, 'mkdir', '/tmp/b');
      t.is(executed.code, 1);
      t.true(executed.stderr.includes(noMedium), executed.stderr);
      const messages = heard.map((line) => line.replace(/^1 closed /, '')).map((text): unknown => JSON.parse(text));
      const common = { ociVersion: '1.3.0', fds: ['seccompFd'], metadata: 'what "it" is for' };
      t.like(messages[0], { ...common, pid, state: { ociVersion: '1.3.0', id, status: 'creating', pid, bundle } });
      t.like(messages[1], { ...common, state: { id, status: 'running', pid } });
      t.is(messages.length, 2);
      t.is((await lab.begin('delete', '--force', id)).code, 0);
    }
  } finally {
    end();
  }
});

here('the receiver that an annotation of crun or the environment names is sent the listener too', async (t) => {
  const { socket, heard, end } = await agent();
  try {
    const seccomp = denying({ action: 'SCMP_ACT_NOTIFY' });
    const annotations = { 'run.oci.seccomp.receiver': socket };
    const ways = [
      { more: { annotations }, under: [] },
      { more: {}, under: ['env', `RUN_OCI_SECCOMP_RECEIVER=${socket}`] },
    ];
    for (const [index, { more, under }] of ways.entries()) {
      const bundle = lab.bundle({ args: ['mkdir', '/tmp/a'], linux: { seccomp }, more });
      const id = lab.newId();
      const ended = lab.beginUnder(under, 'run', '--bundle', bundle, id);
      t.true((await ended).stderr.includes(noMedium));
      t.is(heard.length, index + 1);
    }
    const relative = lab.bundle({ linux: { seccomp }, more: { annotations: { 'run.oci.seccomp.receiver': 'here' } } });
    t.regex(lab.call('create', '--bundle', relative, lab.newId()).stderr, /the seccomp receiver "here" is not an absolute path/);
  } finally {
    end();
  }
});

here('without anybody who would answer, nothing is started', (t) => {
  const notify = { action: 'SCMP_ACT_NOTIFY' } as const;
  for (const [profile, says] of [
    [denying(notify, { listenerPath: join(lab.folder, 'nobody') }), 'the seccomp listener cannot be sent to'],
    [denying(notify), 'SCMP_ACT_NOTIFY without listenerPath is not supported'],
    [{ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/x' }, 'SCMP_ACT_NOTIFY for every call is not supported'],
    [denying({ ...notify, names: ['sendmsg'] }, { listenerPath: '/x' }), 'SCMP_ACT_NOTIFY for sendmsg'],
    [denying({}, { listenerMetadata: 'x' }), 'needs listenerPath beside it'],
    [denying({ action: 'SCMP_ACT_KILL', errnoRet: 3 }), 'expected no error number'],
  ] as const) {
    const id = lab.newId();
    const created = lab.call('create', '--bundle', lab.bundle({ linux: { seccomp: profile } }), id);
    t.true(created.stderr.includes(says), created.stderr);
    t.is(created.code, 1);
    t.deepEqual(lab.traces(id), []);
  }
  // Nobody is asked, so nobody need be there.
  t.is(runWith(denying({}, { listenerPath: join(lab.folder, 'nobody') }), 'true').code, 0);
});

/** A filter that lets every call through: `ret ALLOW` (linux/filter.h, seccomp(2)). */
const permissive = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);
const kept = join(lab.root, '.filters');
const makesFolder = 'mkdir /tmp/a 2> /dev/null; echo $?';

/** In the place of the filter that was kept of a profile. */
function tamper(change: (key: Buffer) => Buffer): void {
  for (const name of readdirSync(kept)) {
    const file = join(kept, name);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([change(bytes.subarray(0, bytes.indexOf(0))), Buffer.from([0]), permissive]));
  }
}

here('a filter is kept for the next container and for exec, and for nothing but its profile, program and boot', (t) => {
  rmSync(kept, { recursive: true, force: true });
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  t.is(readdirSync(kept).length, 1);
  t.is(statSync(kept).mode & 0o777, 0o700);
  // Control: it is taken.
  tamper((key) => key);
  t.is(runWith(denying({}), makesFolder).stdout, '0\n');
  const id = lab.running({ linux: { seccomp: denying({}) } });
  t.is(lab.look(id, 'mkdir /dev/a; echo $?'), '0\n');
  t.is(lab.call('delete', '--force', id).code, 0);
  // What the key does not say whole is another's: the name alone proves nothing.
  tamper((key) => Buffer.from(key.toString().replace('"SCMP_ACT_ERRNO"', '"SCMP_ACT_ALLOW"')));
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  tamper((key) => Buffer.from(key.toString().replace(/\d+,"x64"|\d+,"arm64"/, '0,"x64"')));
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  t.is(runWith(denying({ errnoRet: 123 }), 'mkdir /tmp/a').stderr.includes(noMedium), true);
});

here('filters of a folder that others may look into or own, or that is a link, are not taken', (t) => {
  rmSync(kept, { recursive: true, force: true });
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  tamper((key) => key);
  chmodSync(kept, 0o770);
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  chmodSync(kept, 0o700);
  chownSync(kept, 1000, 0);
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  chownSync(kept, 0, 0);
  renameSync(kept, join(lab.folder, 'filters'));
  symlinkSync(join(lab.folder, 'filters'), kept);
  t.is(runWith(denying({}), makesFolder).stdout, '1\n');
  rmSync(kept);
  renameSync(join(lab.folder, 'filters'), kept);
  t.is(runWith(denying({}), makesFolder).stdout, '0\n');
  rmSync(kept, { recursive: true });
});

here('no more than sixteen filters are kept', (t) => {
  for (let errnoRet = 1; errnoRet <= 18; errnoRet++) t.is(runWith(denying({ errnoRet }), makesFolder).stdout, '1\n');
  t.is(readdirSync(kept).length, 2);
});
