/** `tsrun rm` */
import { TsrunError, type Runtime } from '../index.js';
import { forEachContainer, reach } from './containers.js';
import type { Invocation } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  const { force = false } = invocation.flags;
  return forEachContainer(invocation, async (runtime, id) => {
    if (force) await end(runtime, id);
    remove(runtime, id, force);
  });
}

async function end(runtime: Runtime, id: string): Promise<void> {
  const reached = await reach(runtime, id);
  if (!('live' in reached)) return;
  await reached.live.killAll();
  await reached.live.exited;
}

/** One that was started with `--rm` is gone as soon as it has ended. */
function remove(runtime: Runtime, id: string, mayBeGone: boolean): void {
  try {
    runtime.remove(id);
  } catch (error) {
    if (!mayBeGone || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
  }
}
