/** What may go wrong between the cgroup and the birth of the first process. */
import type { StepClone, StepOpenNamespace, StepWriteCgroup } from '../../plan/wire.generated.js';
import { hints, type Explanation } from './failure.js';

const namespaceFaults: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist on the host',
  ENOTTY: 'is not a namespace',
  EINVAL: 'is a namespace of another kind',
};

export function namespaceFailure({ path }: StepOpenNamespace, errno: string): Explanation {
  if (errno === 'EACCES' || errno === 'EPERM') {
    return { message: `'${path}' may not be joined (${errno})`, hint: 'an ordinary user shares namespaces only among containers of one launcher: start both with --detach, or from one runtime' };
  }
  return { message: `'${path}' ${namespaceFaults[errno] ?? `cannot be joined (${errno})`}`, hint: 'name a namespace of that kind, such as /proc/PID/ns/net' };
}

export function cgroupFailure({ file, value }: StepWriteCgroup, errno: string): Explanation {
  return { message: `the kernel does not take '${value}' for ${file}: ${errno}`, hint: hints[errno] ?? 'see cgroup-v2.rst of the kernel for what this file takes' };
}

export function devicesFailure(errno: string): Explanation | undefined {
  if (errno !== 'EPERM') return undefined;
  return { message: 'the program that holds the device rules may not be attached', hint: 'a cgroup above has a device program that stands no other beside it (bpftool cgroup tree shows it): attach that one with BPF_F_ALLOW_MULTI' };
}

const reasons: Readonly<Record<string, Explanation>> = {
  ESRCH: { code: 'ERR_TSRUN_STATE', message: 'the container has ended' },
  ECHILD: { code: 'ERR_TSRUN_STATE', message: 'what was to make the process was killed: the container has ended, or has no memory left' },
  ECANCELED: { code: 'ERR_TSRUN_STATE', message: 'the container is paused', hint: 'resume it first' },
  ETIMEDOUT: { code: 'ERR_TSRUN_STATE', message: 'the container lets no process begin in time', hint: 'was it just paused? Its cgroup may also have too little processor time' },
  EAGAIN: { message: 'no process can be made: a pids limit is reached', hint: 'raise --pids-limit, or the limit of a cgroup above' },
  ENOSPC: { message: 'no more namespaces may be made', hint: 'raise the limits in /proc/sys/user (max_user_namespaces …)' },
  EPERM: { message: 'namespaces may not be made here', hint: 'user namespaces may be switched off: see tsrun doctor' },
  EBUSY: { message: 'the cgroup hands controllers down, so no process can be in it', hint: 'choose a leaf cgroup' },
};

/** The step also writes what only another process may write for the new one. */
export function cloneFailure(step: StepClone, errno: string, syscall: string): Explanation | undefined {
  if (syscall === 'setns' && errno === 'EINVAL') {
    return { message: 'a namespace to join is of another kind than the one that it is given for', hint: 'readlink /proc/PID/fd/N tells which kind a descriptor is of' };
  }
  return (syscall === 'write' ? writeFailure(step, errno) : undefined) ?? reasons[errno];
}

function writeFailure({ procFiles, procValues, timeOffsets }: StepClone, errno: string): Explanation | undefined {
  const score = procValues[procFiles.indexOf('oom_score_adj')];
  // proc_pid_oom_score_adj(5): only this file says EACCES to who may open it.
  if (errno === 'EACCES' && score !== undefined) {
    return {
      field: '/process/oomScoreAdj',
      message: `an oom score adjustment of ${score} protects more than the caller's own, which needs CAP_SYS_RESOURCE`,
      hint: 'give a higher --oom-score-adj, or run tsrun with that capability',
    };
  }
  if (errno === 'ERANGE' && timeOffsets !== '') {
    return {
      field: '/linux/timeOffsets',
      message: `the clocks cannot be moved by ${offsetWords(timeOffsets)} seconds: one would be below zero, or beyond half of what it can count to`,
      hint: 'monotonic and boottime begin near zero at boot: move them back by less than the uptime',
    };
  }
  if (errno === 'EINVAL' || errno === 'EPERM') {
    return procFiles.includes('uid_map') ? { field: '/linux/uidMappings', message: `the kernel does not take the id maps (${errno})`, hint: 'each id may be mapped once, and only ids that the caller has (user_namespaces(7))' } : undefined;
  }
  return undefined;
}

/** `monotonic 5 0` a line, as the kernel reads it. */
function offsetWords(offsets: string): string {
  return offsets.trim().split('\n').map((line) => line.split(' ').slice(0, 2).join(' ')).join(', ');
}
