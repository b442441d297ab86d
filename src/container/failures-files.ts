/** What may go wrong with mounts and files. */
import { statfsSync } from 'node:fs';
import { fsTypeName } from '../host/fs-types.js';
import type { Plan } from '../plan/plan.js';
import type { StepMakeMount, StepOpenTree, StepSetMount, StepWriteSysctl } from '../plan/wire.generated.js';
import { hints, type Explanation } from './failure.js';

export function treeFailure({ path }: StepOpenTree, errno: string): Explanation | undefined {
  if (errno !== 'ENOENT') return undefined;
  return { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: `'${path}' does not exist on the host`, hint: 'make it first: a missing source is never made' };
}

export function setMountFailure({ idMap, mount }: StepSetMount, errno: string, { steps }: Plan): Explanation | undefined {
  if (idMap === null || errno !== 'EINVAL') return undefined;
  const source = steps.flatMap(({ step }) => (step.op === 'openTree' && step.into === mount ? [step.path] : [])).at(-1);
  const what = source === undefined ? 'the file system' : `the file system of '${source}'${typeOf(source)}`;
  return { code: 'ERR_TSRUN_HOST', message: `${what} cannot be id-mapped`, hint: 'put the image on ext4, xfs or btrfs (tmpfs: Linux 6.3), or share the user namespace with --userns host' };
}

function typeOf(path: string): string {
  try {
    return ` (${fsTypeName(statfsSync(path).type)})`;
  } catch {
    return '';
  }
}

export function rootFailure(errno: string, syscall: string): Explanation | undefined {
  if (errno !== 'ENODEV' || syscall !== 'fsopen') return undefined;
  return { code: 'ERR_TSRUN_HOST', message: 'this kernel has no overlayfs, which a disposable root needs', hint: 'modprobe overlay, or use --writable or --read-only' };
}

export function mountFailure({ type, target }: StepMakeMount, errno: string, syscall: string): Explanation | undefined {
  if (errno !== 'ENODEV' || syscall !== 'fsopen') return undefined;
  return { message: `there is no file system of type '${type}' in this kernel, for the mount on '${target}'`, hint: '/proc/filesystems lists those that there are; modprobe may add one' };
}

const sysctlFaults: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such parameter', 'sysctl -a lists those that there are; a module may have to be loaded'],
  EINVAL: ['the kernel does not take the value', 'see Documentation/admin-guide/sysctl of the kernel for what it takes'],
  ERANGE: ['the value is out of its range', 'see Documentation/admin-guide/sysctl of the kernel for what it takes'],
  EPERM: ['it may not be changed from a user namespace', 'share the host\'s ids with --userns host, or leave it as it is'],
  EACCES: ['it may not be changed from a user namespace', 'share the host\'s ids with --userns host, or leave it as it is'],
};

export function sysctlFailure({ file, value }: StepWriteSysctl, errno: string): Explanation {
  const name = file.replace('sys/', '').replaceAll('/', '.');
  const [why, hint] = sysctlFaults[errno] ?? [errno, hints[errno] ?? 'see proc(5)'];
  return { message: `the kernel parameter '${name}' cannot be set to '${value}': ${why} (${errno})`, hint };
}
