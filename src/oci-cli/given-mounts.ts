/** Mounts as a config.json has them, made ready for a plan. */
import { isAbsolute, resolve } from 'node:path';
import { readMountOptions } from '../plan/mount-options.js';
import { isBind } from '../spec/bind.js';
import type { Mount } from '../spec/types.js';
import { logWarning } from './log.js';

/** @param folder to which sources of binds are relative (config.md, "Mounts": the bundle) */
export function readyMounts(mounts: readonly Mount[], folder: string): Mount[] {
  return mounts.map((mount) => {
    if (!isBind(mount)) return mount;
    const { source } = mount;
    return withoutValues(source !== undefined && !isAbsolute(source) ? { ...mount, source: resolve(folder, source) } : mount);
  });
}

/**
 * A bind without the values of a file system of its own (`mode=755`), which the kernel passes over (mount(2), "Creating a bind mount") and so
 * do runc, before 1.2, and crun. A word that nobody knows stays, and is refused: it may be a wall, misspelt.
 */
function withoutValues(mount: Mount): Mount {
  const { options = [] } = mount;
  const values = options.includes('remount') ? [] : readMountOptions(options).data.filter((word) => word.includes('='));
  if (values.length === 0) return mount;
  logWarning(`ignoring options of a file system on the bind mount ${mount.destination}: ${values.join(',')}`);
  return { ...mount, options: options.filter((word) => !values.includes(word)) };
}
