/** Descriptors of the caller that the program inherits as they are (sd_listen_fds(3), `--preserve-fds`). */
import type { PlanInput } from './input.js';
import type { PlanBuilder } from './plan.js';

/** Slots of the descriptors that the program inherits. */
export function passInherited({ inheritedCount = 0 }: Pick<PlanInput, 'inheritedCount'>, builder: PlanBuilder): number[] {
  return Array.from({ length: inheritedCount }, (_each, index) => builder.pass(`inherited:${index + 3}`));
}
