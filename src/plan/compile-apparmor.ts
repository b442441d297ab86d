/** The AppArmor profile of the program: asked for first of all, while the launcher's own procfs is in sight. */
import { TsrunError } from '../spec/errors.js';
import type { PlanInput } from './input.js';
import type { PlanBuilder } from './plan.js';

const field = '/process/apparmorProfile';

export function compileAppArmor({ spec, host }: PlanInput, builder: PlanBuilder): void {
  const profile = spec.process?.apparmorProfile ?? '';
  if (profile === '') return;
  if (host.supports.apparmor) {
    builder.add(field, { op: 'setAppArmor', value: `exec ${profile}` });
    return;
  }
  // What the host does not confine is unconfined.
  if (profile === 'unconfined') return;
  throw new TsrunError('ERR_TSRUN_HOST', `the AppArmor profile '${profile}' cannot be applied: this host has no AppArmor`, {
    field,
    hint: 'leave the profile out, or boot with AppArmor in the parameter lsm=',
  });
}
