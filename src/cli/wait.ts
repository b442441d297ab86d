/** `tsrun wait` */
import { TsrunError, type ExitStatus } from '../index.js';
import { reach, tellFailure, withRuntime, type Reached } from './containers.js';
import type { Invocation } from './invocation.js';

/** Codes in the order of the names. All are waited for from the start: one with `--rm` leaves no trace to ask later. */
export async function run(invocation: Invocation): Promise<number> {
  const { positionals, stdout } = invocation;
  return withRuntime(async (runtime) => {
    const ends = positionals.map((id) => reach(runtime, id).then(statusOf));
    let failed = false;
    // Each is looked at in its turn; until then a failure must not count as one that nobody handles.
    for (const end of ends) end.catch(() => undefined);
    for (const [index, end] of ends.entries()) {
      try {
        stdout.write(`${codeOf(await end, positionals[index] ?? '')}\n`);
      } catch (error) {
        tellFailure(error, invocation);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  });
}

async function statusOf(reached: Reached): Promise<ExitStatus | undefined> {
  return 'live' in reached ? reached.live.exited : reached.ended.exit;
}

function codeOf(status: ExitStatus | undefined, id: string): number {
  if (status !== undefined && status.cause !== 'lost') return status.code;
  throw new TsrunError('ERR_TSRUN_LAUNCHER_LOST', `the launcher of '${id}' was killed, and the container with it`);
}
