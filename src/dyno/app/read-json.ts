/** JSON that describes an app: what is wrong with it is wrong with what the caller gave. */
import { TsrunError } from '../../spec/errors.js';
import { parseJson, type JsonValue } from '../../spec/json.js';

/** @throws ERR_TSRUN_INVALID_ARGUMENT with line and column */
export function readJson(text: string, source: string): JsonValue {
  try {
    return parseJson(text, source);
  } catch (cause) {
    if (!TsrunError.is(cause)) throw cause;
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', cause.message, { field: cause.field, hint: cause.hint, cause });
  }
}
