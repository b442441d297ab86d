/** What the commands that act on containers share. */
import { resolve } from 'node:path';
import { Runtime, TsrunError, type Container, type ContainerSummary, type RuntimeOptions } from '../index.js';
import { describeFailure } from './failure.js';
import type { CommandFlags, Invocation } from './invocation.js';
import { painter } from './output.js';
import { tell } from './tell.js';

export async function withRuntime<T>(work: (runtime: Runtime) => Promise<T>, flags: CommandFlags = {}): Promise<T> {
  const runtime = await Runtime.open(runtimeOptions(flags));
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

export function runtimeOptions({ imageRoot }: CommandFlags): RuntimeOptions {
  return imageRoot === undefined ? {} : { imageRoot: resolve(imageRoot) };
}

/**
 * All at once, as each may take its time; the name of each is printed when it is done, as docker does. One that fails is told of
 * and does not keep the others from being done.
 */
export async function forEachContainer(invocation: Invocation, work: (runtime: Runtime, id: string) => Promise<unknown>): Promise<number> {
  const { positionals, stdout } = invocation;
  return withRuntime(async (runtime) => {
    const failed = await Promise.all([...new Set(positionals)].map(async (id) => {
      try {
        await work(runtime, id);
        stdout.write(`${id}\n`);
        return false;
      } catch (error) {
        tellFailure(error, invocation);
        return true;
      }
    }));
    return failed.includes(true) ? 1 : 0;
  });
}

export function tellFailure(error: unknown, { stderr, env }: Pick<Invocation, 'stderr' | 'env'>): void {
  tell(stderr, describeFailure(error, painter(stderr, env)));
}

/** A live container to act on, or what is known of one that has ended. */
export type Reached = { readonly live: Container } | { readonly ended: ContainerSummary };

/** @throws TsrunError `ERR_TSRUN_NOT_FOUND` */
export async function reach(runtime: Runtime, id: string): Promise<Reached> {
  const summary = runtime.inspect(id);
  if (summary.state === 'stopped') return { ended: summary };
  try {
    return { live: await runtime.find(id) };
  } catch (error) {
    // It may have ended between the two, or be gone by now.
    const now = runtime.inspect(id);
    if (now.state !== 'stopped') throw error;
    return { ended: now };
  }
}

/** @throws TsrunError `ERR_TSRUN_NOT_FOUND`, `ERR_TSRUN_STATE` when it has ended */
export async function reachLive(runtime: Runtime, id: string): Promise<Container> {
  const reached = await reach(runtime, id);
  if ('live' in reached) return reached.live;
  throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' is not running`, { hint: 'tsrun ps -a says how it ended' });
}
