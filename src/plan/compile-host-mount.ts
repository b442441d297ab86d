/**
 * File systems from paths of the host: overlays over its folders, and its block devices. The container's first process sees none of these
 * paths, so the launcher makes them. In a container with a user namespace of its own they are the host's all the same, as binds are: ids
 * are as they are on disk, and no device node counts, as in what the container's root could mount by itself (overlays, since Linux 5.11).
 */
import { mountTarget } from '../spec/inner-path.js';
import type { Mount } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { mountAttributes, type MountOptions } from './mount-options.js';
import { renew } from './renew-mount.js';

/** MS_* of mount(2) for what concerns the file system: no option of its own, and not told to it in any other way. */
const systemFlags: ReadonlyMap<string, bigint> = new Map([['sync', 0x10n], ['dirsync', 0x80n], ['lazytime', 0x200_0000n]]);

/** What the kernel makes of nothing: there `source` is a name and no path. */
const madeOfNothing: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue']);

export function namesHostPaths({ type = '', source = '' }: Mount): boolean {
  return type === 'overlay' || (source.startsWith('/') && !madeOfNothing.has(type));
}

export function compileHostMount(compilation: Compilation, mount: Mount, { own, recursive, data }: MountOptions, field: string): () => void {
  const { builder, namespaces } = compilation;
  const { type = '', source = type } = mount;
  const into = builder.slot();
  const asked = own.set | recursive.set;
  builder.add(field, {
    op: 'makeHostMount',
    type,
    source,
    // The kernel parts them again, with regard to what is escaped.
    data: data.filter((word) => !systemFlags.has(word)).join(','),
    // MS_RDONLY is MOUNT_ATTR_RDONLY: nothing is written to the device then, not its journal either.
    flags: data.reduce((flags, word) => flags | (systemFlags.get(word) ?? 0n), asked & mountAttributes.readonly),
    attributes: namespaces.isShared('user') ? asked : asked | mountAttributes.nodev,
    into,
  });
  return () => {
    renew(compilation, into, `${field}/destination`);
    builder.add(`${field}/destination`, { op: 'attachMount', mount: into, target: mountTarget(mount), follow: true, onLink: false });
  };
}
