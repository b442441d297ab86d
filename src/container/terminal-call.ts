/** What is asked of a terminal that the caller gives by its descriptor. */
import { loadNative } from '../engine/addon.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { validateDescriptor, validateWindowOf } from './options/validate-calls.js';

/**
 * Sets the size of a terminal by its descriptor, in characters (ioctl_tty(2), TIOCSWINSZ). A container's own has `Terminal.resize`.
 *
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`, also for a descriptor that is no terminal
 */
export function resizeTerminal(fd: number, rows: number, columns: number): void {
  validateWindowOf(fd, rows, columns);
  ofTerminal(fd, () => {
    loadNative().addon.setWindowSize(fd, rows, columns);
  });
}

/**
 * Has a terminal of the caller's pass every byte as it is, both ways; after Node's `setRawMode(true)`, which leaves the output changed.
 *
 * @throws TsrunError as `resizeTerminal`
 *
 * @example
 * import { makeRaw } from 'tsrun';
 * if (process.stdin.isTTY) {
 *   process.stdin.setRawMode(true);
 *   makeRaw(process.stdin.fd);
 * }
 */
export function makeRaw(fd: number): void {
  validateDescriptor(fd);
  ofTerminal(fd, () => {
    loadNative().addon.makeRaw(fd);
  });
}

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
