/** `tsrun stop` */
import { forEachContainer, reach } from './containers.js';
import type { Invocation } from './invocation.js';

/** One that has ended is what was asked for. */
export async function run(invocation: Invocation): Promise<number> {
  const { timeoutMs, signal } = invocation.flags;
  const options = { ...(timeoutMs !== undefined && { graceMs: timeoutMs }), ...(signal !== undefined && { signal }) };
  return forEachContainer(invocation, async (runtime, id) => {
    const reached = await reach(runtime, id);
    if ('live' in reached) await reached.live.stop(options);
  });
}
