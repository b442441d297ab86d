/** `tsrun scale` */
import { parseQuantities } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';

export async function run({ flags, positionals, stdout }: Invocation): Promise<number> {
  const quantities = parseQuantities(positionals.join(' '));
  const app = await reachApp(chosenApp(flags));
  await app.scale(quantities);
  const there = (await app.dynos()).map(({ type }) => type);
  const types = [...new Set([...there, ...Object.keys(quantities)])].sort();
  stdout.write(`${types.map((type) => `${type}=${there.filter((each) => each === type).length}`).join(' ')}\n`);
  return 0;
}
