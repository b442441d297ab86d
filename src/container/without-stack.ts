import { TsrunError } from '../spec/errors.js';

export function withoutStack(): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a folder that is run as it is has no stack below it', { field: '/stack', hint: 'a stack is for a slug; leave it out' });
}
