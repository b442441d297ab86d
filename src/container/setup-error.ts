/** From `{step, system call, errno}` back to a sentence that a person can act on. */
import type { EventFailed, Step } from '../plan/wire.generated.js';
import type { Plan } from '../plan/plan.js';
import { systemErrorName } from '../spec/errno.js';
import { signalName } from '../spec/signals.js';
import { SetupError, type ErrorCode, type SetupErrorDetails } from '../spec/errors.js';
import { diagnoseProgram } from './diagnose-program.js';

export interface FailureContext {
  readonly syscallName: (number: number) => string;
  readonly readInRoot: (path: string, limitBytes: number) => Buffer | null;
}

export function setupError(event: EventFailed, plan: Plan, context: FailureContext): SetupError {
  const planned = plan.steps[event.step];
  if (event.error < 0) return killedEarly(-event.error, plan);
  const name = event.error > 0 ? systemErrorName(event.error) : 'EUNKNOWN';
  const syscall = context.syscallName(event.syscall);
  const details: SetupErrorDetails = {
    step: event.step,
    stepCount: plan.steps.length,
    op: planned?.step.op ?? 'plan',
    syscall,
    errno: -event.error,
    errnoName: name,
    field: planned?.field,
  };
  if (planned === undefined) return new SetupError('ERR_TSRUN_SETUP', `the launcher refused the plan: ${name}`, details);
  const known = explain(planned.step, name, context);
  const where = `(step ${event.step + 1} of ${plan.steps.length}, from ${planned.field})`;
  const message = known?.message ?? `${describe(planned.step)}: ${syscall} says ${name}`;
  return new SetupError(known?.code ?? 'ERR_TSRUN_SETUP', `${message} ${where}`, { ...details, hint: known?.hint ?? hints[name] ?? `see ${syscall}(2) for what ${name} means there` });
}

/** It died on its way to the program, at a step that nobody can name. */
function killedEarly(signal: number, plan: Plan): SetupError {
  const step = plan.steps.length - 1;
  const name = signalName(signal);
  const { field = plan.steps[step]?.field, why = '', hint = 'the kernel log may say more: dmesg' } = deathReason(name, plan) ?? {};
  return new SetupError('ERR_TSRUN_SETUP', `the first process was killed by ${name} before it could execute the program${why}`, {
    step,
    stepCount: plan.steps.length,
    op: 'execute',
    syscall: 'execve',
    errno: 0,
    errnoName: 'EUNKNOWN',
    field,
    hint,
  });
}

/** By what a process dies that its filter leaves no way out: the kernel's verdict, or the fault that stands for an exit. */
const refusals: ReadonlySet<string> = new Set(['SIGSYS', 'SIGILL', 'SIGTRAP']);

function deathReason(signal: string, { steps }: Plan): { readonly field: string; readonly why: string; readonly hint: string } | undefined {
  const filter = steps.find(({ step }) => step.op === 'loadSeccomp');
  const memory = steps.find(({ step }) => step.op === 'writeCgroup' && step.file === 'memory.max');
  if (refusals.has(signal) && filter !== undefined) {
    const hint = 'the seccomp profile forbids execve, or to say so (sendto) and to end (exit_group): allow these';
    return { field: filter.field, why: ', as its seccomp profile has it', hint };
  }
  if (signal !== 'SIGKILL' || memory === undefined) return undefined;
  return { field: memory.field, why: ', maybe for want of memory', hint: 'raise the memory limit; dmesg tells whether it was that' };
}

interface Explanation {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** What a step was about, in a few words. */
export function describe(step: Step): string {
  const parts: string[] = [step.op];
  if ('path' in step) parts.push(`'${step.path}'`);
  if ('target' in step && 'type' in step) parts.push(`${step.type} on '${step.target}'`);
  else if ('target' in step) parts.push(`'${step.target}'`);
  if ('file' in step) parts.push(step.file);
  if ('value' in step && typeof step.value === 'string') parts.push(`'${step.value}'`);
  if ('directory' in step) parts.push(`'${step.directory}'`);
  if ('name' in step) parts.push(`'${step.name}'`);
  return parts.join(' ');
}

/** Hints for an errno when the step says nothing more special. */
const hints: Readonly<Record<string, string>> = {
  EPERM: 'the kernel or a security module forbids it here: see tsrun doctor',
  EACCES: 'the caller has no right to it: run as root, or see tsrun doctor',
  ENOSPC: 'a limit of the kernel is reached (mounts, namespaces, cgroups), or the disk is full: see tsrun doctor',
  EMFILE: 'too many open files: raise the limit of the calling process',
  ENOMEM: 'the host, or the cgroup that the container was to be born in, has no memory left',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ELOOP: 'a symbolic link is on the way where none may be, or leads in a circle',
  EBADMSG: 'launcher and library are of different versions: build or install again',
};

function explain(step: Step, errno: string, context: FailureContext): Explanation | undefined {
  switch (step.op) {
    case 'recordState':
      if (errno !== 'EEXIST') return undefined;
      return { code: 'ERR_TSRUN_EXISTS', message: `a container of this name exists: '${step.directory.split('/').at(-1) ?? ''}'`, hint: 'choose another name, or remove it with tsrun rm' };
    case 'openContainer':
      return errno === 'ESRCH' ? { code: 'ERR_TSRUN_STATE', message: `the container '${step.id}' has ended` } : undefined;
    case 'openNamespace':
      return { message: `'${step.path}' ${namespaceFaults[errno] ?? `cannot be joined (${errno})`}`, hint: 'name a namespace of that kind, such as /proc/PID/ns/net' };
    case 'openTree':
      if (errno !== 'ENOENT') return undefined;
      return { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: `'${step.path}' does not exist on the host`, hint: 'make it first: a missing source is never made' };
    case 'setMount':
      if (step.idMap === null || errno !== 'EINVAL') return undefined;
      return { code: 'ERR_TSRUN_HOST', message: 'the file system cannot be id-mapped', hint: 'put the image on ext4, xfs or btrfs (tmpfs: Linux 6.3), or share the user namespace with --userns host' };
    case 'writeCgroup':
      return { message: `the kernel does not take '${step.value}' for ${step.file}: ${errno}`, hint: hints[errno] ?? 'see cgroup-v2.rst of the kernel for what this file takes' };
    case 'limitDevices':
      if (errno !== 'EPERM') return undefined;
      return { message: 'the program that holds the device rules may not be attached', hint: 'a cgroup above has a device program that stands no other beside it (bpftool cgroup tree shows it): attach that one with BPF_F_ALLOW_MULTI' };
    case 'clone':
      return cloneFailure(errno);
    case 'makeDirectory':
    case 'setDirectory':
      return errno === 'ENOTDIR' ? { message: `the working directory '${step.path}' is not a folder`, hint: 'choose another with -w' } : undefined;
    case 'joinKeyring':
      return keyringFailure(errno);
    case 'setAffinity':
      return errno === 'EINVAL' ? { message: 'none of these processors is one of the container\'s', hint: 'Cpus_allowed_list in its /proc/self/status names those' } : undefined;
    case 'loadSeccomp':
      return errno === 'EACCES' ? { message: 'a seccomp filter needs no_new_privs or CAP_SYS_ADMIN', hint: 'leave no-new-privileges on' } : undefined;
    case 'execute':
      return diagnoseProgram(step, errno, context);
    default:
      return undefined;
  }
}

const namespaceFaults: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist on the host',
  ENOTTY: 'is not a namespace',
  EINVAL: 'is a namespace of another kind',
};

/** Without an own one the program would find the keys of whoever started the launcher (keyrings(7)). */
function keyringFailure(errno: string): Explanation | undefined {
  const reasons: Readonly<Record<string, Explanation>> = {
    EPERM: { message: 'no session keyring may be made here', hint: 'a seccomp filter around tsrun forbids keyctl, as docker\'s does: allow it there' },
    EDQUOT: { message: 'the user has no keys left for a session keyring', hint: 'raise maxkeys and maxbytes (for root: root_maxkeys, root_maxbytes) in /proc/sys/kernel/keys; /proc/key-users shows what is used' },
  };
  return reasons[errno];
}

function cloneFailure(errno: string): Explanation | undefined {
  const reasons: Readonly<Record<string, Explanation>> = {
    ESRCH: { code: 'ERR_TSRUN_STATE', message: 'the container has ended' },
    EAGAIN: { message: 'no process can be made: a pids limit is reached', hint: 'raise --pids-limit, or the limit of a cgroup above' },
    ENOSPC: { message: 'no more namespaces may be made', hint: 'raise the limits in /proc/sys/user (max_user_namespaces …)' },
    EPERM: { message: 'namespaces may not be made here', hint: 'user namespaces may be switched off: see tsrun doctor' },
    EBUSY: { message: 'the cgroup hands controllers down, so no process can be in it', hint: 'choose a leaf cgroup' },
  };
  return reasons[errno];
}
