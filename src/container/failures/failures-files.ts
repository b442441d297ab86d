/** What may go wrong with mounts and files. */
import { statfsSync, statSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { fsTypeName } from '../../host/fs-types.js';
import type { Plan } from '../../plan/plan.js';
import type { StepAttachMount, StepMakeHostMount, StepMakeMount, StepMakeOverlay, StepOpenTree, StepSetMount, StepWriteSysctl } from '../../plan/wire.generated.js';
import { sysctlName } from '../../spec/sysctl-names.js';
import { hints, type Explanation } from './failure.js';

export function treeFailure({ path, recursive }: StepOpenTree, errno: string): Explanation | undefined {
  if (errno === 'EINVAL' && !recursive) {
    const why = 'it is unbindable, or other mounts lie below it, from which an ordinary user may not part it (mount_namespaces(7))';
    return { message: `'${path}' cannot be mounted by itself: ${why}`, hint: 'choose a folder without mounts below it, or bind all of it: rbind, with rshared or rslave' };
  }
  if (errno !== 'ENOENT') return undefined;
  return { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: `'${path}' does not exist on the host`, hint: 'make it first: a missing source is never made' };
}

export function setMountFailure({ idMap, mount }: StepSetMount, errno: string, plan: Plan): Explanation | undefined {
  if (idMap === null || errno !== 'EINVAL') return undefined;
  const source = mount === null ? undefined : sourceOf(mount, plan);
  const what = source === undefined ? 'the file system' : `the file system of '${source}'${typeOf(source)}`;
  return { code: 'ERR_TSRUN_HOST', message: `${what} cannot be id-mapped`, hint: 'put the image, or the image store (TSRUN_IMAGES), on ext4, xfs or btrfs (tmpfs: Linux 6.3), or share the user namespace with --userns host' };
}

/** What of the host was opened for a mount. */
function sourceOf(mount: number, { steps }: Plan): string | undefined {
  return steps.flatMap(({ step }) => (step.op === 'openTree' && step.into === mount ? [step.path] : [])).at(-1);
}

function typeOf(path: string): string {
  try {
    return ` (${fsTypeName(statfsSync(path).type)})`;
  } catch {
    return '';
  }
}

export function rootFailure(step: StepMakeOverlay, errno: string, syscall: string, plan: Plan): Explanation | undefined {
  if (errno === 'ENODEV' && (syscall === 'fsopen' || syscall === 'mount')) {
    return { code: 'ERR_TSRUN_HOST', message: 'this kernel has no overlayfs, which a disposable root needs', hint: 'modprobe overlay, or use --writable or --read-only' };
  }
  const layers = layersOf(step, plan);
  if (errno === 'ENOENT' || errno === 'ENOTDIR' || (errno === 'EINVAL' && syscall === 'mount')) {
    const missing = layers.find((path) => !isFolder(path));
    if (missing !== undefined) return { code: 'ERR_TSRUN_IMAGE', message: `the layer '${missing}' of the image is not there`, hint: 'import or pull the image again', field: 'extensions.lowerLayers' };
  }
  if (errno === 'EXDEV') return { message: 'one of the layers is a mount of its own, apart from those beside it, which overlayfs does not take', hint: 'unmount it, or put the image store on one file system', field: 'extensions.lowerLayers' };
  if (errno === 'ELOOP') return { message: 'two layers of the root lie one in the other, which overlayfs does not take', hint: 'name folders that lie side by side', field: 'extensions.lowerLayers' };
  if (errno !== 'EINVAL') return undefined;
  const types = [...new Set(layers.map(typeOf))].join(',');
  return { message: `overlayfs does not take the layers of the root${types}`, hint: 'dmesg tells why; put the image on ext4, xfs or btrfs', field: layers.length > 1 ? 'extensions.lowerLayers' : '/root/path' };
}

/** Where they lie on the host. */
function layersOf({ layers, folders }: StepMakeOverlay, plan: Plan): string[] {
  return layers.map((mount, index) => join(sourceOf(mount, plan) ?? '/', folders[index] ?? ''));
}

export function mountFailure({ type, target }: StepMakeMount, errno: string, syscall: string): Explanation | undefined {
  if (errno !== 'ENODEV' || syscall !== 'fsopen') return placeFailure(target, false, errno, syscall);
  return { message: `${noFileSystem(type)}, for the mount on '${target}'`, hint: hintOfTypes };
}

/** Which of the paths the kernel does not say. */
export function hostMountFailure({ type, source, data }: StepMakeHostMount, errno: string, syscall: string): Explanation | undefined {
  if (syscall !== 'mount') return undefined;
  if (errno === 'ENODEV') return { message: noFileSystem(type), hint: hintOfTypes };
  if (errno === 'ENOENT') return { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: `a path of the host is not there: '${type === 'overlay' ? data : source}'`, hint: 'make it first: a missing source is never made' };
  if (errno === 'EPERM') return { message: `a file system of type '${type}' may be mounted by root of the host alone`, hint: 'let root mount it on the host, and bind it' };
  return undefined;
}

const hintOfTypes = '/proc/filesystems lists those that there are; modprobe may add one';

function noFileSystem(type: string): string {
  return `there is no file system of type '${type}' in this kernel`;
}

export function attachFailure({ mount, target }: StepAttachMount, errno: string, syscall: string, plan: Plan): Explanation | undefined {
  const source = mount === null ? undefined : sourceOf(mount, plan);
  const isFile = source !== undefined && !isFolder(source);
  if (syscall !== 'move_mount' || errno !== 'EINVAL' || !isFile) return placeFailure(target, isFile, errno, syscall);
  return { message: `'${source}' is a file and '${target}' a folder: neither can be mounted on the other`, hint: `name a file as the place, such as '${posix.join(target, basename(source))}'` };
}

/** Where something is to be mounted, and cannot: what stands in the way is in the image, or in what was mounted before. */
function placeFailure(target: string, takesFile: boolean, errno: string, syscall: string): Explanation | undefined {
  if (errno === 'EXDEV') {
    return { message: `'${target}' leads by a link of the image into what is mounted elsewhere, where the image must not choose a place`, hint: 'name the place itself, without the link' };
  }
  if (errno === 'EINVAL' && syscall === 'openat2') {
    return { message: `'${target}' leads by a link of the image that ends in '..' to where nothing is, and no place is made there`, hint: 'name the place itself, without the link' };
  }
  if (errno === 'ENOTDIR') {
    const why = takesFile ? 'a part of its path is a file' : 'it is a file, or a part of its path is one';
    return { message: `no ${takesFile ? 'file' : 'folder'} can be mounted on '${target}': ${why} (ENOTDIR)`, hint: 'choose another place: a file goes on a file, and a folder on a folder' };
  }
  if (errno === 'EACCES' && (syscall === 'mkdirat' || syscall === 'openat')) {
    return { message: `the mount point '${target}' does not exist, and the container's root may not make it in the volume that it lies in`, hint: 'make it first in that volume, or give the volume the option idmap' };
  }
  if (errno !== 'EROFS' || !(syscall === 'mkdirat' || syscall === 'openat')) return undefined;
  return { message: `the mount point '${target}' does not exist, and cannot be made in what is read-only`, hint: 'make it first in the folder that is mounted there, or choose another place' };
}

/** Files of the container's own, which its name and network show in. */
export function writeFailure(paths: readonly string[], errno: string): Explanation | undefined {
  const [path = '', ...others] = paths.map((each) => `'${each}'`);
  const which = others.length === 0 ? path : `one of ${[path, ...others].join(', ')}`;
  const reasons: Readonly<Record<string, string>> = {
    EISDIR: 'is a folder in the image',
    EINVAL: 'is a folder in the image',
    ELOOP: 'is a link of the image to itself',
    ENOENT: 'leads by a link of the image to where nothing is',
    ENOTDIR: 'lies below a file of the image',
    EXDEV: 'leads by a link of the image into what is mounted elsewhere',
  };
  const why = reasons[errno];
  const field = others.length === 0 ? fieldsOfFiles[paths[0] ?? ''] : undefined;
  return why === undefined ? undefined : { message: `${which} ${why}, where a file of the container's own belongs`, hint: 'mend the image, or mount a file of yours in its place', ...(field !== undefined && { field }) };
}

/** The option that says what stands in a file. */
const fieldsOfFiles: Readonly<Record<string, string>> = { '/etc/hostname': '/hostname', '/etc/hosts': '/addHosts', '/etc/resolv.conf': '/dns' };

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const sysctlFaults: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such parameter', 'sysctl -a lists those that there are; a module may have to be loaded'],
  EINVAL: ['the kernel does not take the value', 'see Documentation/admin-guide/sysctl of the kernel for what it takes'],
  ERANGE: ['the value is out of its range', 'see Documentation/admin-guide/sysctl of the kernel for what it takes'],
  EPERM: ['it may not be changed from a user namespace', 'share the host\'s ids with --userns host, or leave it as it is'],
  EACCES: ['it may not be changed from a user namespace', 'share the host\'s ids with --userns host, or leave it as it is'],
};

export function sysctlFailure({ file, value }: StepWriteSysctl, errno: string): Explanation {
  const name = sysctlName(file.replace('sys/', ''));
  const own = /^kernel\.(hostname|domainname)$/.exec(name)?.[1];
  if (own !== undefined && errno === 'EACCES') return { message: `the kernel parameter '${name}' is for root of the host alone to set (EACCES)`, hint: `give the name itself: --${own}, or ${own} in config.json` };
  const [why, hint] = sysctlFaults[errno] ?? [errno, hints[errno] ?? 'see proc(5)'];
  return { message: `the kernel parameter '${name}' cannot be set to '${value}': ${why} (${errno})`, hint };
}
