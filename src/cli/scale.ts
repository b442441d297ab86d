/** `tsrun scale` */
import { parseQuantities } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';

export async function run({ flags, positionals, stdout }: Invocation): Promise<number> {
  const quantities = parseQuantities(positionals.join(' '));
  const app = await reachApp(chosenApp(flags));
  await app.scale(quantities);
  const names = (await app.dynos()).map(({ name }) => name.split('.')[0] ?? '');
  const types = [...new Set([...names, ...Object.keys(quantities)])].sort();
  stdout.write(`${types.map((type) => `${type}=${names.filter((each) => each === type).length}`).join(' ')}\n`);
  return 0;
}
