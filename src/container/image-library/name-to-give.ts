/** Names that a person gives to images. */
import { parseReference, wholeName } from '../../image/reference.js';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';

/**
 * Whole. One with a digest is found without asking anybody, as the image of that digest: nobody may give it to another.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT
 */
export function nameToGive(name: string): string {
  const reference = parseReference(name);
  if (reference.digest === undefined) return wholeName(reference);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${printable(name, 400)}' has a digest, which only a registry gives`, { field: '/name', hint: 'give a name and a tag' });
}
