/** What is answered when a container that has ended is asked for something. */
import { TsrunError } from '../../spec/errors.js';

/** For what can be asked of a live container only. */
export function ended(id: string, hint?: string): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the container '${id}' has ended`, { hint });
}
