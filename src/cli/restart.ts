/** `tsrun restart` */
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';

export async function run({ flags, positionals: [which], stdout }: Invocation): Promise<number> {
  const app = await reachApp(chosenApp(flags));
  await app.restart(which);
  const names = (await app.dynos()).map(({ name }) => name).filter((name) => which === undefined || name === which || name.startsWith(`${which}.`));
  stdout.write(names.map((name) => `${name}\n`).join(''));
  return 0;
}
