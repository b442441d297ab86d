/** What a person may have meant, where a reference is not of the kind that a command takes. */
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import { recognise } from '../../image/recognise.js';
import type { SourcePlace } from './stored-place.js';

/** What lies in a file or folder and is to be imported. @throws ERR_TSRUN_IMAGE for anything else */
export async function packedAt(reference: string): Promise<SourcePlace> {
  const place = await recognise(reference);
  if (place.kind === 'folder') throw notPacked(reference);
  if (place.kind === 'source') return place;
  throw new TsrunError('ERR_TSRUN_IMAGE', `there is no file or folder '${printable(reference, 400)}'`, { hint: 'name one that holds an image; what lies in a registry is pulled' });
}

/** What cannot be pulled may be a file or folder that lies here. */
export async function meantAsPath(reference: string, error: unknown): Promise<unknown> {
  if (!TsrunError.is(error) || (error.code !== 'ERR_TSRUN_INVALID_ARGUMENT' && error.code !== 'ERR_TSRUN_REGISTRY')) return error;
  const kind = await recognise(reference).then((place) => place.kind, () => undefined);
  if (kind !== 'source' && kind !== 'folder') return error;
  const hint = `'${printable(reference, 200)}' lies here: tsrun ${kind === 'source' ? 'load' : 'run'} ${printable(reference, 200)}`;
  return new TsrunError(error.code, error.message, { hint, field: error.field, cause: error });
}

/** Where nothing was ever stored. @throws ERR_TSRUN_IMAGE for a path at which there is no image */
export async function notLookedAt(reference: string): Promise<TsrunError> {
  const { kind } = await recognise(reference);
  const what = kind === 'source' ? `'${printable(reference, 400)}' was not imported yet` : `there is no image '${printable(reference, 400)}' in the store, and it is not fetched for a look`;
  return new TsrunError('ERR_TSRUN_IMAGE', what, { hint: kind === 'source' ? 'tsrun import unpacks it into the store' : 'tsrun pull fetches it' });
}

/** A folder that is an image as it lies there. */
export function notPacked(reference: string): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', `'${printable(reference, 400)}' is not packed: it is run as it lies there`, { hint: `tsrun run ${printable(reference, 200)}` });
}
