/** Which sentence tells of which step; undefined where the system call and its errno say enough. */
import { diagnoseProgram } from './diagnose-program.js';
import type { Explanation, Failure, FailureContext } from './failure.js';
import { upperFailure } from './failures-upper.js';
import { attachFailure, hostMountFailure, mountFailure, rootFailure, setMountFailure, sysctlFailure, treeFailure, writeFailure } from './failures-files.js';
import { cgroupFailure, cloneFailure, devicesFailure, namespaceFailure } from './failures-birth.js';
import { appArmorFailure, directoryFailure, idsFailure, keyringFailure, rlimitFailure, terminalFailure } from './failures-process.js';

export { hints, type FailureContext } from './failure.js';

export function explainFailure({ step, errno, syscall, plan }: Failure, context: FailureContext): Explanation | undefined {
  switch (step.op) {
    case 'recordState':
      if (errno !== 'EEXIST') return undefined;
      return { code: 'ERR_TSRUN_EXISTS', message: `a container of this name exists: '${step.directory.split('/').at(-1) ?? ''}'`, hint: 'choose another name, or remove it with tsrun rm', field: '/id', isWhole: true };
    case 'openContainer':
      return errno === 'ESRCH' ? { code: 'ERR_TSRUN_STATE', message: `the container '${step.id}' has ended` } : undefined;
    case 'openNamespace':
      return namespaceFailure(step, errno);
    case 'openTree':
      return treeFailure(step, errno);
    case 'setMount':
      return setMountFailure(step, errno, plan);
    case 'makeUpper':
      return upperFailure(step, errno, syscall);
    case 'makeOverlay':
      return rootFailure(step, errno, syscall, plan);
    case 'makeMount':
      return mountFailure(step, errno, syscall);
    case 'makeHostMount':
      return hostMountFailure(step, errno, syscall);
    case 'attachMount':
      return attachFailure(step, errno, syscall, plan);
    case 'writeFile':
      return writeFailure([step.path], errno);
    case 'coverFiles':
      return writeFailure(step.paths, errno);
    case 'writeSysctl':
      return sysctlFailure(step, errno);
    case 'writeCgroup':
      return cgroupFailure(step, errno);
    case 'limitDevices':
      return devicesFailure(errno);
    case 'clone':
      return cloneFailure(step, errno, syscall);
    case 'setIds':
      return idsFailure(step, errno, syscall);
    case 'setRlimit':
      return rlimitFailure(step, errno);
    case 'joinKeyring':
      return keyringFailure(errno);
    case 'makeDirectory':
    case 'setDirectory':
      return directoryFailure(step, errno, syscall);
    case 'openTerminal':
      return terminalFailure(errno);
    case 'setAppArmor':
      return appArmorFailure(step, errno);
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
