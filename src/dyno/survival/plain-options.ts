/** Options as they can be written down: functions are of one process, all else must be data. */
import { TsrunError } from '../../spec/errors.js';
import { pointer } from '../../spec/quote.js';
import type { FormationOptions } from '../formation-options.js';

/** What is the next process's own, or is known by then: it has a clock of its own, and the image is here by its digest. */
const leftOut = { formation: ['name', 'quantities', 'survive', 'clock', 'container'], container: ['pull', 'checksum'] } as const;

export function plainOptions(options: FormationOptions): FormationOptions {
  return { ...plainFields(options, '', leftOut.formation), container: plainFields(options.container ?? {}, '/container', leftOut.container) };
}

function plainFields(value: object, at: string, left: readonly string[] = []): Readonly<Record<string, unknown>> {
  const fields = Object.entries(value).filter(([key, field]) => typeof field !== 'function' && field !== undefined && !left.includes(key));
  return Object.fromEntries(fields.map(([key, field]) => [key, plainValue(field, pointer(at, key))]));
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
function plainValue(value: unknown, at: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((each, index) => plainValue(each, pointer(at, index)));
  if (typeof value === 'object' && isPlain(value)) return plainFields(value, at);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `option ${at}: another process could not be told of a ${typeof value} of this kind`, { field: at, hint: 'with survive, options are text, numbers, lists and plain objects' });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
