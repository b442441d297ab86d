/** `tsrun pause` */
import { TsrunError } from '../index.js';
import { forEachContainer, reachLive } from './containers.js';
import type { Invocation } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  return forEachContainer(invocation, async (runtime, id) => {
    const container = await reachLive(runtime, id);
    if (runtime.inspect(id).state === 'paused') throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is already paused`);
    await container.pause();
  });
}
