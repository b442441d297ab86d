/** The AppArmor profile and the SELinux label of the program: asked for first of all, while the launcher's own procfs is in sight. */
import { TsrunError } from '../spec/errors.js';
import type { PlanInput } from './input.js';
import type { PlanBuilder } from './plan.js';

const field = '/process/apparmorProfile';

/** @throws ERR_TSRUN_HOST for a label that nobody would hold to */
export function requireSelinux({ supports }: PlanInput['host'], label: string, at: string): void {
  if (supports.selinux) return;
  throw new TsrunError('ERR_TSRUN_HOST', `the SELinux label '${label}' cannot be given: this host has no SELinux`, {
    field: at,
    hint: 'leave the label out, or boot with SELinux in the parameter lsm=',
  });
}

export function compileLabel({ spec, host }: PlanInput, builder: PlanBuilder): void {
  const label = spec.process?.selinuxLabel ?? '';
  if (label === '') return;
  requireSelinux(host, label, '/process/selinuxLabel');
  builder.add('/process/selinuxLabel', { op: 'setLabel', value: label });
}

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
