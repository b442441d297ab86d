/**
 * Which containers' mounts may be let go of after the end was told. As a container's last process ends the kernel waits for a grace period before
 * it unmounts, and then for each file system; all that is longer than a short program runs.
 */
import { isBind } from '../spec/bind.js';
import type { Mount } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { namesHostPaths } from './compile-host-mount.js';

/** Freed within some milliseconds, for which the launcher does nothing else; /dev and /dev/shm have so much together. */
const mostBytes = 128 * 2 ** 20;

/** Not where somebody may want back what was lent: a volume's disk, or an upper layer on one. Of the host there is nothing else but the image. */
export function keepsMounts({ input: { spec, extensions: { root }, program }, namespaces }: Compilation): boolean {
  const isLent = root === undefined || root.kind === 'writable' || (root.kind === 'disposable' && root.disk !== undefined);
  if (isLent || program !== undefined || !namespaces.isNew('mount')) return false;
  const { mounts = [] } = spec;
  return mounts.reduce((bytes, mount) => bytes + bytesIn(mount), 0) <= mostBytes && !mounts.some((mount) => isBind(mount) || namesHostPaths(mount));
}

/** How much it may hold in memory, beside the kernel's own. */
function bytesIn({ type = '', options = [] }: Mount): number {
  if (type !== 'tmpfs' && type !== 'ramfs') return 0;
  const [, count, unit = ''] = /^size=(\d+)([kmg]?)$/i.exec(options.findLast((option) => option.startsWith('size=')) ?? '') ?? [];
  // A size of 0 is none (tmpfs(5)).
  return count === undefined || Number(count) === 0 || type === 'ramfs' ? Number.POSITIVE_INFINITY : Number(count) * 1024 ** (' kmg'.indexOf(unit.toLowerCase() || ' '));
}
