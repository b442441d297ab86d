/** What is asked of a terminal that the caller gives by its descriptor. */
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';

/** @throws ERR_TSRUN_INVALID_ARGUMENT for a descriptor that is no terminal */
export function ofTerminal(fd: number, call: () => void): void {
  try {
    call();
  } catch (cause) {
    const errno = errnoName(cause) ?? '';
    const why = errno === 'EBADF' ? 'is not open' : errno === 'ENOTTY' ? 'is no terminal' : `cannot be changed: ${errno}`;
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `argument /fd: descriptor ${fd} ${why}`, {
      field: '/fd',
      hint: 'give the descriptor of an open terminal, such as process.stdin.fd where its isTTY is true',
      cause,
    });
  }
}
