/** The steps of a plan, for the debug log. */
import type { Plan } from '../plan/plan.js';
import { describe } from './failure.js';
import { isDebug, logDebug } from './log.js';

export function tellPlan(plan: Plan): void {
  if (!isDebug()) return;
  for (const [index, { step, field }] of plan.steps.entries()) logDebug(`plan: step ${index + 1}, from ${field}: ${describe(step)}`);
}
