/** Sizes in bytes as docker writes them: binary units, in either case, `512m`, `1.5g`, `64KiB`. */

import { TsrunError } from './errors.js';
import { show } from './quote.js';

/** A fraction needs a unit above bytes: there are no half bytes. */
const size = /^(?:(\d+) ?b?|(\d+(?:\.\d+)?) ?([kmgtp])i?b?)$/i;
const units = ['k', 'm', 'g', 't', 'p'];

/** Whole bytes, up to the largest integer that a number holds exactly; undefined when `value` is not a size. */
export function readSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const [match, plain, scaled, unit = ''] = (typeof value === 'string' ? size.exec(value) : undefined) ?? [];
  if (match === undefined) return undefined;
  const bytes = Math.floor(Number(plain ?? scaled) * 1024 ** (units.indexOf(unit.toLowerCase()) + 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * Bytes of a size as docker writes it: `512m`, `1.5g`, `64KiB`; units are binary, in either case.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT when it is not a size
 */
export function parseSize(value: string | number): number {
  const bytes = readSize(value);
  if (bytes !== undefined) return bytes;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${show(value)} is not a size`, {
    hint: 'a size is bytes, or a number with one of the units b, k, m, g, t, p: 64m, 1.5g',
  });
}
