/** Has the launcher do a plan that makes no process. */
import type { Addon } from '../../engine/addon.js';
import { deferred } from '../../spec/deferred.js';
import type { Launcher } from '../../engine/launcher.js';
import { encodePlan, type Plan } from '../../plan/plan.js';
import { setupError } from '../failures/setup-error.js';

/** @throws SetupError `ERR_TSRUN_SETUP`, ERR_TSRUN_LAUNCHER_LOST */
export async function runPlan(launcher: Launcher, plan: Plan, addon: Pick<Addon, 'syscallName'>): Promise<void> {
  const done = deferred<undefined>();
  launcher.launch('', encodePlan(plan), [], {
    onEvent: (event) => {
      if (event.op === 'failed') done.reject(setupError(event, plan, { syscallName: (number) => addon.syscallName(number), readInRoot: () => null }));
      else done.resolve(undefined);
    },
    onLost: (error) => { done.reject(error); },
  });
  await done.promise;
}
