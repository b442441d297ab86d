/** Descriptors of this process that are to go along: one that is not open would be found by the launcher's socket alone. */
import { fstatSync } from 'node:fs';
import { TsrunError } from '../../spec/errors.js';

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function checkDescriptor(fd: number, field: string, hint: string): void {
  try {
    fstatSync(fd);
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${field}: descriptor ${fd} is not open in this process`, { field, hint, cause });
  }
}
