/** Several places that may have the same. */
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import type { Endpoint } from './endpoint.js';

/**
 * What the first gives that gives something.
 *
 * @param what for the error: `the manifest of 'alpine'`
 * @throws the error of the only place; of several, one that tells them all
 */
export async function firstOf<Result>(endpoints: readonly Endpoint[], what: string, signal: AbortSignal | undefined, action: (endpoint: Endpoint) => Promise<Result>): Promise<Result> {
  const errors: unknown[] = [];
  for (const endpoint of endpoints) {
    try {
      return await action(endpoint);
    } catch (error) {
      if (signal?.aborted === true || !TsrunError.is(error)) throw error;
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  const told = errors.map((error, index) => {
    const { name, mirror } = endpoints[index]?.place ?? { name: '', mirror: false };
    return `${mirror ? 'mirror ' : ''}'${printable(name, 256)}': ${error instanceof Error ? error.message : ''}`;
  });
  const last = errors.at(-1);
  throw new TsrunError('ERR_TSRUN_REGISTRY', `no place gave ${what}: ${told.join('; ')}`, { hint: TsrunError.is(last) ? last.hint : undefined, cause: new AggregateError(errors) });
}
