/** `tsrun stop` */
import { TsrunError, type FormationSummary } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import { forEachContainer, reach } from './containers.js';
import type { Invocation } from './invocation.js';

/** The app that is named, or the only one; one-off dynos of it, if any are named. */
async function stopApp({ flags, positionals, stdout }: Invocation): Promise<number> {
  if ((flags.timeoutMs ?? flags.signal) !== undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'how dynos are asked to end is said when their app is started', { hint: 'leave --timeout and --signal out' });
  const app = chosenApp(flags);
  if (positionals.length === 0) {
    await stopWhole(app);
    stdout.write(`${app.name}\n`);
    return 0;
  }
  const client = await reachApp(app);
  for (const name of positionals) {
    await (await client.oneOff(name)).stop();
    stdout.write(`${name}\n`);
  }
  return 0;
}

/** One that is gone meanwhile is what was asked for: a new agent ends what the one before it was stopping. */
async function stopWhole(app: FormationSummary): Promise<void> {
  try {
    await (await reachApp(app)).stop();
  } catch (error) {
    if (!TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
  }
}

/** One that has ended is what was asked for. */
export async function run(invocation: Invocation): Promise<number> {
  const { timeoutMs, signal, appName } = invocation.flags;
  if (invocation.positionals.length === 0 || appName !== undefined) return stopApp(invocation);
  const options = { ...(timeoutMs !== undefined && { graceMs: timeoutMs }), ...(signal !== undefined && { signal }) };
  return forEachContainer(invocation, async (runtime, id) => {
    const reached = await reach(runtime, id);
    if ('live' in reached) await reached.live.stop(options);
  });
}
