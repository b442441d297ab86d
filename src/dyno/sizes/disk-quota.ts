/** Whether dynos could be held to a size on disk: asked before any of them is started, since the kernel says it only when it is set. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { withoutQuotas } from '../../container/failures/failures-upper.js';
import { parseMountinfo } from '../../host/proc-files.js';
import { TsrunError } from '../../spec/errors.js';

/** @param folder where what dynos write lies, or will @throws ERR_TSRUN_HOST */
export function checkDiskQuota(folder: string): void {
  if (holdsProjectQuotas(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(nearestExisting(folder)))) return;
  const { message, ...details } = withoutQuotas(folder);
  throw new TsrunError('ERR_TSRUN_HOST', message, details);
}

/** ext4, xfs and f2fs all say `prjquota` of a mount on which the quotas of projects are held, not only counted (proc_pid_mountinfo(5)). */
export function holdsProjectQuotas(mountinfo: string, path: string): boolean {
  const above = parseMountinfo(mountinfo).filter(({ point }) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`));
  // The deepest one, and of several at one place the last.
  const [mount] = above.toReversed().sort((a, b) => b.point.length - a.point.length);
  return mount?.options.includes('prjquota') === true;
}

function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}
