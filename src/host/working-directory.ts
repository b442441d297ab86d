/** Where relative paths begin. */
import { TsrunError } from '../spec/errors.js';

/** @throws ERR_TSRUN_HOST where somebody has removed it */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_HOST', 'the working directory is no longer there, so that relative paths lead nowhere', {
      cause,
      hint: 'change to a folder that exists, or give absolute paths',
    });
  }
}
