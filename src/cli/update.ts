/** `tsrun update` */
import { forEachContainer, reachLive } from './containers.js';
import type { Invocation } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  return forEachContainer(invocation, async (runtime, id) => {
    const container = await reachLive(runtime, id);
    await container.updateLimits(invocation.options);
  });
}
