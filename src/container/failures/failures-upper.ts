/** What may go wrong with an upper layer on disk. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fsTypeName } from '../../host/fs-types.js';
import type { StepMakeUpper } from '../../plan/wire.generated.js';
import type { Explanation } from './failure.js';

const hints: Readonly<Record<string, string>> = {
  'ext2/ext3/ext4': 'tune2fs -O project,quota on the unmounted file system, and mount it with prjquota; or leave the size out, or the type=disk',
  xfs: 'mount it with pquota; or leave the size out, or the type=disk',
};

/** Nobody but this step sets a quota, or makes a folder there. */
export function upperFailure({ path }: StepMakeUpper, errno: string, syscall: string): Explanation | undefined {
  const folder = dirname(path);
  if (errno === 'EEXIST') return { message: `another root on disk has the place or the project of '${path}'`, hint: 'start it again: both are chosen by chance' };
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return { code: 'ERR_TSRUN_HOST', message: `there is no room in '${folder}' for a root on disk (${errno})`, hint: 'free some, or choose another folder with TSRUN_IMAGES' };
  if (errno === 'EROFS') return { code: 'ERR_TSRUN_HOST', message: `'${folder}' is read-only, so that no root can be on disk there`, hint: 'choose another folder with TSRUN_IMAGES' };
  if (syscall !== 'quotactl_fd' && syscall !== 'ioctl') return undefined;
  const { message, ...explanation } = withoutQuotas(folder);
  return { code: 'ERR_TSRUN_HOST', message: `${message} (${errno})`, ...explanation };
}

/** No size can be held there. */
export function withoutQuotas(folder: string): { readonly message: string; readonly field: string; readonly hint: string } {
  const type = typeOf(folder);
  const message = `the file system of '${folder}' (${type}) holds no project quotas, by which a root on disk is held to its size`;
  return { message, field: '/rootBytes', hint: hints[type] ?? 'use ext4 with prjquota or xfs with pquota for TSRUN_IMAGES; or leave the size out, or the type=disk' };
}

function typeOf(path: string): string {
  try {
    return fsTypeName(statfsSync(path).type);
  } catch {
    return 'unknown';
  }
}
