/** How many dynos of each process type there shall be: `web=2,worker=1`, as `heroku ps:scale` and foreman's `--formation` have it. */
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';

const most = 1000;

/**
 * So many dynos of each process type.
 *
 * @param text `type=number` pairs, by commas or spaces
 * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
 *
 * @example
 * import { parseQuantities } from 'tsrun';
 * console.log(parseQuantities('web=2,worker=1')); // { web: 2, worker: 1 }
 */
export function parseQuantities(text: string): Readonly<Record<string, number>> {
  const quantities = new Map<string, number>();
  for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const [, type = '', digits = ''] = /^([\w-]+)=(\d{1,4})$/.exec(word) ?? [];
    if (type === '' || Number(digits) > most) throw fault(`expected TYPE=NUMBER with at most ${most}, found ${show(word)}`);
    if (quantities.has(type)) throw fault(`${show(type)} stands there twice`);
    quantities.set(type, Number(digits));
  }
  if (quantities.size === 0) throw fault('no process type is named');
  return Object.fromEntries(quantities);
}

function fault(message: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field: '/quantities', hint: 'write web=2,worker=1' });
}
