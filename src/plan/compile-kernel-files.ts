/**
 * Files over those that the kernel shows. Some of /proc are covered, each by a file of a tmpfs. A file of cgroup v1 has no place in a
 * cgroup2 file system, where nobody can make one: a cgroup below the container's gives it a folder to lie in.
 */
import { mountTarget } from '../spec/inner-path.js';
import type { Compilation } from './compilation.js';
import { mountAttributes } from './mount-options.js';

const cgroupRoot = '/sys/fs/cgroup';
const field = 'extensions.kernelFiles';
const { readonly, nosuid, nodev, noexec } = mountAttributes;
const mode = 0o444;

/** Names of the folders that they need; none where what is mounted there is not the container's own cgroup. */
export function cgroupFolders({ input, namespaces }: Compilation): string[] {
  const { spec: { mounts = [] }, extensions: { kernelFiles = {} }, cgroupPath } = input;
  const isOwn = cgroupPath !== undefined && namespaces.isNew('cgroup') && mounts.some((mount) => (mount.type === 'cgroup' || mount.type === 'cgroup2') && mountTarget(mount) === cgroupRoot);
  return isOwn ? [...new Set(Object.keys(kernelFiles).flatMap((path) => folderOf(path) ?? []))] : [];
}

/** When all is mounted. */
export function coverKernelFiles(compilation: Compilation): void {
  const { input: { extensions: { kernelFiles = {} } }, builder } = compilation;
  for (const folder of cgroupFolders(compilation)) {
    const target = `${cgroupRoot}/${folder}`;
    builder.add(field, { op: 'makeMount', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'mode=0755'], attributes: nosuid | nodev | noexec, target, follow: false, copyUp: false, likeBelow: false });
    for (const [path, content] of Object.entries(kernelFiles)) if (folderOf(path) === folder) builder.add(field, { op: 'writeFile', path, mode, content: Buffer.from(content) });
    builder.add(field, { op: 'remount', target, set: readonly, clear: 0n });
  }
  const covers = Object.entries(kernelFiles).filter(([path]) => folderOf(path) === undefined);
  if (covers.length > 0) builder.add(field, { op: 'coverFiles', paths: covers.map(([path]) => path), contents: covers.map(([, content]) => content), mode, options: ['size=1m', 'mode=0755'] });
}

function folderOf(path: string): string | undefined {
  return path.startsWith(`${cgroupRoot}/`) ? path.slice(cgroupRoot.length + 1).split('/')[0] : undefined;
}
