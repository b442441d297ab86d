/** Options as they can be written down: functions are of one process, all else must be data. */
import { TsrunError } from '../../spec/errors.js';
import { pointer } from '../../spec/quote.js';
import type { FormationOptions } from '../formation-options.js';

/** What is not the next process's: it has a clock of its own, and the image is here by its digest. */
export function plainOptions({ name: _name, quantities: _quantities, survive: _survive, clock: _clock, container = {}, ...options }: FormationOptions): FormationOptions {
  const { pull: _pull, checksum: _checksum, ...kept } = container;
  const plain: FormationOptions = { ...options, container: kept };
  return Object.fromEntries(Object.entries(plain).flatMap(([key, value]) => (typeof value === 'function' ? [] : [[key, plainValue(value, `/${key}`)]])));
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
function plainValue(value: unknown, at: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((each, index) => plainValue(each, pointer(at, index)));
  if (typeof value === 'object' && isPlain(value)) {
    const fields = Object.entries(value).filter(([, field]) => typeof field !== 'function' && field !== undefined);
    return Object.fromEntries(fields.map(([key, field]) => [key, plainValue(field, pointer(at, key))]));
  }
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${at}: another process could not be told of a ${typeof value} of this kind`, { field: at, hint: 'with survive, options are text, numbers, lists and plain objects' });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
