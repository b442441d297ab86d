/** What the runtime-spec can say and this version does not do: refused by name, never skipped. */
import { TsrunError } from '../spec/errors.js';
import type { Extensions } from '../spec/extensions.js';
import type { Spec } from '../spec/types.js';

export function refuseUnsupported(spec: Spec, extensions: Extensions): void {
  const { linux, process, hooks } = spec;
  const refuse = (field: string, present: boolean) => {
    if (present) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${field} is not supported yet`, { field, hint: 'remove the field' });
  };
  for (const [name, list] of Object.entries(hooks ?? {})) refuse(`/hooks/${name}`, Array.isArray(list) && list.length > 0);
  refuse('/process/selinuxLabel', (process?.selinuxLabel ?? '') !== '');
  refuse('/linux/mountLabel', (linux?.mountLabel ?? '') !== '');
  refuse('/linux/netDevices', Object.keys(linux?.netDevices ?? {}).length > 0);
  refuse('/linux/intelRdt', linux?.intelRdt !== undefined);
  refuse('/linux/memoryPolicy', linux?.memoryPolicy !== undefined);
  refuse('/linux/seccomp/listenerPath', (linux?.seccomp?.listenerPath ?? '') !== '');
  // Without anybody who listens, the first call of the kind would wait for ever: the process itself holds the listener.
  refuse('/linux/seccomp/defaultAction SCMP_ACT_NOTIFY', linux?.seccomp?.defaultAction === 'SCMP_ACT_NOTIFY');
  for (const [index, { action }] of (linux?.seccomp?.syscalls ?? []).entries()) refuse(`/linux/seccomp/syscalls/${index}/action SCMP_ACT_NOTIFY`, action === 'SCMP_ACT_NOTIFY');
  refuse('extensions.namespaceFds.mount', extensions.namespaceFds?.mount !== undefined);
  refuse('/linux/namespaces (a mount namespace to join)', linux?.namespaces?.some(({ type, path }) => type === 'mount' && path !== undefined) ?? false);
}
