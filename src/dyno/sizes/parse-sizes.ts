/** Sizes of process types in one word: `web=standard-2x,worker=512m`, as `heroku ps:type` has them. */
import { readSize } from '../../spec/size.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import { namedSize, sizeNames, type DynoSize } from './sizes.js';

/** What `parseSizes` reads. */
export interface DynoSizes {
  /** Of all types that are not named. */
  readonly size?: DynoSize;
  /** By process type. */
  readonly types: Readonly<Record<string, DynoSize>>;
}

/**
 * Sizes by process type.
 *
 * @param text `type=size` pairs by commas or spaces; a size alone is that of all other types. A size is one of Heroku's names, or an
 * amount of memory; what it may write to its root on disk stands behind a `+`
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
 *
 * @example
 * import { parseSizes } from 'tsrun';
 * console.log(parseSizes('web=standard-1x,256m').size?.memoryBytes); // 268435456
 * console.log(parseSizes('web=standard-1x+2g').types['web']?.diskBytes); // 2147483648
 */
export function parseSizes(text: string): DynoSizes {
  const types = new Map<string, DynoSize>();
  let size: DynoSize | undefined;
  for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const [, type, name = ''] = /^(?:([\w-]{1,63})=)?(.+)$/.exec(word) ?? [];
    if (type === undefined ? size !== undefined : types.has(type)) throw fault(`${type === undefined ? 'a size for all types' : show(type)} stands there twice`);
    if (type === undefined) size = read(name);
    else types.set(type, read(name));
  }
  if (size === undefined && types.size === 0) throw fault('no size is named');
  return { ...(size !== undefined && { size }), types: Object.fromEntries(types) };
}

function read(word: string): DynoSize {
  const [, name = '', disk] = /^([^+]*)(?:\+(.*))?$/.exec(word) ?? [];
  const size = readMemory(name);
  if (disk === undefined) return size;
  const diskBytes = readSize(disk);
  if (diskBytes === undefined || diskBytes < 1) throw fault(`${show(disk)} is no amount of disk`);
  return { ...size, diskBytes };
}

function readMemory(name: string): DynoSize {
  const memoryBytes = readSize(name);
  const size = namedSize(name) ?? (memoryBytes === undefined || memoryBytes < 2 ** 20 ? undefined : { memoryBytes });
  if (size === undefined) throw fault(`there is no size ${show(name)}`);
  return size;
}

function fault(message: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field: '/size', hint: `write web=standard-1x, or an amount of memory from 1m on, and +2g for so much disk; there are ${sizeNames}` });
}
