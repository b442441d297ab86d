/** `tsrun rm` */
import { TsrunError, type Runtime } from '../index.js';
import { forEachContainer, reach, type Reached } from './containers.js';
import type { Invocation } from './invocation.js';

export async function run(invocation: Invocation): Promise<number> {
  const { force = false } = invocation.flags;
  return forEachContainer(invocation, async (runtime, id) => {
    if (force) await removeByForce(runtime, id);
    else remove(runtime, id);
  });
}

function remove(runtime: Runtime, id: string): void {
  try {
    runtime.remove(id);
  } catch (error) {
    if (!runtime.unreadable().includes(id)) throw error;
    throw new TsrunError('ERR_TSRUN_STATE', `the record of '${id}' is damaged, or of another version of tsrun`, { hint: 'tsrun rm -f ends whatever runs under that name, and removes it' });
  }
}

async function removeByForce(runtime: Runtime, id: string): Promise<void> {
  const container = await reachIfAnswered(runtime, id);
  if (container === undefined) return runtime.discard(id);
  if ('live' in container) {
    await container.live.killAll();
    await container.live.exited;
  }
  try {
    remove(runtime, id);
  } catch (error) {
    // One that was started with `--rm` is gone as soon as it has ended.
    if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
  }
}

/** Undefined where its launcher, or its record, is there and says nothing. */
async function reachIfAnswered(runtime: Runtime, id: string): Promise<Reached | undefined> {
  try {
    return await reach(runtime, id);
  } catch (error) {
    if (TsrunError.is(error) && (error.code === 'ERR_TSRUN_STATE' || runtime.unreadable().includes(id))) return undefined;
    throw error;
  }
}
