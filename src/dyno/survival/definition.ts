/** What a formation was started with, as its next owner reads it. */
import { TsrunError } from '../../spec/errors.js';
import { parseJson } from '../../spec/json.js';
import { show } from '../../spec/quote.js';
import { validateFormationOptions, validateQuantities, type FormationOptions } from '../formation-options.js';

/** What a formation is made of. */
export interface Definition {
  /** Of the form in which it is written down; another version's is refused. */
  readonly version: 1;
  /** A digest, or the absolute path of a folder. */
  readonly image: string;
  /** As the caller named it. */
  readonly imageName: string;
  readonly quantities: Readonly<Record<string, number>>;
  readonly options: FormationOptions;
  /** Of the process that started it: relative paths in its options begin there. */
  readonly workingFolder: string;
  /** Where its image lies. */
  readonly imageRoot: string;
  /** Nothing was started yet, or it was to be stopped: the next owner makes an end of it. Absent: it is to run. */
  readonly phase?: 'founding' | 'ending' | undefined;
  /** How often it was redeployed. A dyno of another number was begun by a redeployment that did not get to its end. Absent: never. */
  readonly release?: number;
  /** When that was; absent in what older versions wrote. Milliseconds since 1970. */
  readonly releasedAtMs?: number;
}

/** What stands there was written by this user alone, so that its form is looked at, and its options as if they were given anew. */
export function readDefinition(name: string, text: string | undefined): Definition {
  const value: unknown = text === undefined ? undefined : parseJson(text, name);
  if (!isDefinition(value)) throw new TsrunError('ERR_TSRUN_STATE', `the formation ${show(name)} is of another version of tsrun, or was never whole`, { hint: 'take it over with the version that started it; tsrun rm -f ends its containers' });
  validateFormationOptions(value.options);
  validateQuantities(value.quantities);
  return value;
}

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['image', 'imageName', 'workingFolder', 'imageRoot'].every((key) => typeof Reflect.get(value, key) === 'string');
  const { phase, release, releasedAtMs }: Readonly<Record<string, unknown>> = { ...value };
  const isKnown = [undefined, 'founding', 'ending'].some((each) => each === phase) && (release === undefined || Number.isSafeInteger(release)) && (releasedAtMs === undefined || Number.isFinite(releasedAtMs));
  return texts && isKnown && Reflect.get(value, 'version') === 1 && typeof Reflect.get(value, 'quantities') === 'object' && typeof Reflect.get(value, 'options') === 'object';
}
