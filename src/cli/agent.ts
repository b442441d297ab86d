/** `tsrun agent` */
import { Formation, Runtime, serveFormation } from '../index.js';
import { chosenApp } from './apps.js';
import { runtimeOptions } from './containers.js';
import type { Invocation } from './invocation.js';
import { oncePerText, tell } from './tell.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Until the app is stopped; asked to end itself, it leaves the dynos as they are. */
export async function run({ flags, stdout, stderr }: Invocation): Promise<number> {
  const { name } = chosenApp(flags);
  const runtime = await Runtime.open(runtimeOptions(flags));
  try {
    const onWarning = oncePerText((warning) => {
      tell(stderr, `tsrun: warning: ${warning}\n`);
    });
    const formation = await Formation.adopt(runtime, name, { container: { onWarning } });
    const server = await serveFormation(formation);
    stdout.write(`${name}\n`);
    if (await Promise.race([server.stopped.then(() => false), asked()])) {
      server.close();
      await formation.leave();
    }
    return 0;
  } finally {
    await runtime.close();
  }
}

async function asked(): Promise<true> {
  return new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => {
      resolve(true);
    });
  });
}
