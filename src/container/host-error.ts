import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';

/** What none of the steps expects, such as a want of descriptors (EMFILE). */
export function hostError(cause: unknown): unknown {
  const errno = errnoName(cause);
  if (TsrunError.is(cause) || errno === undefined) return cause;
  return new TsrunError('ERR_TSRUN_HOST', `no runtime can be opened: ${errno}`, { hint: 'the cause says what failed: are too many files open (ulimit -n)?', cause });
}
