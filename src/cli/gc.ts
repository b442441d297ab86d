/** `tsrun gc` */
import { withRuntime } from './containers.js';
import type { Invocation } from './invocation.js';

/** Opening the state root collects already; a second look takes what died meanwhile. */
export async function run({ stdout }: Invocation): Promise<number> {
  return withRuntime(async (runtime) => {
    const again = await runtime.gc();
    for (const { containers, launchers } of [runtime.collected, again]) {
      for (const id of containers) stdout.write(`removed container ${id}\n`);
      for (const name of launchers) stdout.write(`removed launcher ${name}\n`);
    }
    return 0;
  });
}
