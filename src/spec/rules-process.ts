/** Rules for `process` (config.md, "Process") that one field alone does not show. `at` is where the process stands in what is checked. */

import type { Faults } from './faults.js';
import type { Capabilities, Process, Rlimit, Scheduler } from './types.js';

export function checkProcess(process: Process, at: string, faults: Faults): void {
  checkRlimits(process.rlimits ?? [], `${at}/rlimits`, faults);
  if (process.capabilities !== undefined) checkCapabilities(process.capabilities, `${at}/capabilities`, faults);
  if (process.scheduler !== undefined) checkScheduler(process.scheduler, `${at}/scheduler`, faults);
}

/**
 * config.md, "Linux Process"; capabilities(7): what is not permitted can neither be effective nor ambient (EPERM). That an ambient one must be inheritable as
 * well is no fault here: `runc spec` writes such sets, and every runtime passes over the ones that cannot be raised.
 */
function checkCapabilities({ permitted = [], effective = [], ambient = [] }: Capabilities, at: string, faults: Faults): void {
  const allowed = new Set(permitted);
  for (const [name, set] of [['effective', effective], ['ambient', ambient]] as const) {
    set.forEach((capability, index) => {
      if (!allowed.has(capability)) faults.add(`${at}/${name}/${index}`, `${capability} is not in the permitted set`, `add it to permitted, or take it out of ${name}`);
    });
  }
}

/** The standard streams, and the one by which is heard whether the program could be executed. */
export const leastNofile = 4;

function checkRlimits(rlimits: readonly Rlimit[], at: string, faults: Faults): void {
  const seen = new Set<string>();
  rlimits.forEach(({ type, soft, hard }, index) => {
    // config.md, "POSIX process": no type twice, and an error for what the kernel does not take (setrlimit(2)).
    if (seen.has(type)) faults.add(`${at}/${index}/type`, `duplicate resource limit "${type}"`);
    seen.add(type);
    if (soft > hard) faults.expected(`${at}/${index}/soft`, `at most the hard limit ${hard}`, soft);
    if (type === 'RLIMIT_NOFILE' && soft < leastNofile) faults.expected(`${at}/${index}/soft`, `at least ${leastNofile}, which a start needs`, soft);
  });
}

/** config.md, "Linux Process": what sched_setattr(2) refuses or would silently leave out. */
function checkScheduler(scheduler: Scheduler, at: string, faults: Faults): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  if (realtime && priority === 0) faults.expected(`${at}/priority`, `an integer from 1 to 99 for ${policy}`, scheduler.priority);
  if (!realtime && priority !== 0) faults.expected(`${at}/priority`, `0 for ${policy}`, priority);
  if (nice !== 0 && policy !== 'SCHED_OTHER' && policy !== 'SCHED_BATCH') faults.expected(`${at}/nice`, `0 for ${policy}`, nice);
  if (policy === 'SCHED_DEADLINE') {
    // A deadline of 0 is "the period"; below 1024 ns the kernel's arithmetic has no room (sched/deadline.c).
    const effective = deadline || period;
    if (runtime < 1024) faults.expected(`${at}/runtime`, 'at least 1024 nanoseconds', scheduler.runtime);
    if (runtime > effective) faults.expected(`${at}/runtime`, `at most the deadline ${effective}`, runtime);
    if (period && deadline > period) faults.expected(`${at}/deadline`, `at most the period ${period}`, deadline);
  } else {
    for (const [name, value] of Object.entries({ runtime, deadline, period })) {
      if (value) faults.expected(`${at}/${name}`, `0 for ${policy}`, value);
    }
  }
}
