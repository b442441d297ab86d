/** Plans: compiling, encoding and printing them. Experimental: steps may change in any version. */
export { compilePlan } from './compile.js';
export type { PlanInput, StreamPlan } from './input.js';
export { encodePlan, type HandedOver, type Plan, type PlannedStep } from './plan.js';
export { launcherOps, stepDocs, type Step } from './wire.generated.js';
