/** Why a file of an image could not be read: a fault of the image, of the caller's rights, or of the host. */

import { addonErrnoName, descriptorHint, errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';

const mend = 'mend the file in the image, or remove it: an image without it knows ids by their numbers';

/** By what the look-up in the image and the opening of what was found there say (openat2(2), open(2)). */
const faults: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EACCES: ['permission denied (EACCES)', 'let it be read, and the folders on the way be entered, by who runs tsrun; its ids and groups are needed for a number as well'],
  EINVAL: ['it is no regular file', mend],
  ELOOP: ['links to it lead in a circle', mend],
};

/** @param cause as the addon throws it, or Node */
export function unreadable(path: string, cause: unknown): TsrunError {
  const errno = addonErrnoName(cause) ?? errnoName(cause);
  const what = `'${path}' of the image cannot be read`;
  const wanting = descriptorHint(errno);
  if (errno !== undefined && wanting !== undefined) return new TsrunError('ERR_TSRUN_HOST', `${what}: no descriptor is left (${errno})`, { hint: wanting, cause });
  const [why, hint] = faults[errno ?? ''] ?? [errno ?? String(cause), 'see openat2(2) and open(2) for what that means there'];
  return new TsrunError('ERR_TSRUN_IMAGE', `${what}: ${why}`, { hint, cause });
}
