/** What the runtime-spec can say and this version does not do: refused by name, never skipped. */
import { TsrunError } from '../spec/errors.js';
import type { Seccomp, Spec } from '../spec/types.js';
import type { PlanInput } from './input.js';
import type { Compilation } from './compilation.js';

/** Of other platforms (config.md, "Platform-specific configuration"): who writes one counts on it, on a virtual machine above all. */
const foreign = ['freebsd', 'solaris', 'vm', 'windows', 'zos'];

function refuseForeign(spec: Spec): void {
  const fields = [...foreign.filter((name) => Object.hasOwn(spec, name)).map((name) => `/${name}`), ...(Object.hasOwn(spec.process ?? {}, 'commandLine') ? ['/process/commandLine'] : [])];
  const [field] = fields;
  if (field !== undefined) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${field} is for another platform than Linux`, { field, hint: 'remove the field' });
}

export function refuseUnsupported({ spec, ociRuntime, hasListener = false }: Pick<PlanInput, 'spec' | 'ociRuntime' | 'hasListener'>): void {
  refuseForeign(spec);
  const { linux, hooks } = spec;
  const refuse = (field: string, present: boolean) => {
    if (present && ociRuntime === undefined) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${field} is not done for containers of this library`, { field, hint: 'let tsrun-oci run the bundle, or remove the field and do it in the program that starts the container' });
  };
  // Those of the runtime's namespaces are programs of the host, which an embedder's own code runs better at the same moments.
  for (const [name, list] of Object.entries(hooks ?? {})) refuse(`/hooks/${name}`, Array.isArray(list) && list.length > 0);
  refuse('/linux/netDevices', Object.keys(linux?.netDevices ?? {}).length > 0);
  refuse('/linux/intelRdt', linux?.intelRdt !== undefined);
  if (linux?.seccomp !== undefined) refuseListener(linux.seccomp, hasListener);
}

/** The call by which the container's first process hands its listener over: nobody could answer for it. */
const handingOver = 'sendmsg';

/** Without anybody who listens the first call of the kind would fail (ENOSYS), or wait for ever. */
function refuseListener({ defaultAction, syscalls = [], listenerPath = '' }: Seccomp, hasListener: boolean): void {
  const refuse = (field: string, what: string, hint: string): never => {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${what} is not supported`, { field: `/linux/seccomp${field}`, hint });
  };
  if (!hasListener && listenerPath !== '') refuse('/listenerPath', 'a seccomp listener of a container of this library', 'remove the field, or let tsrun-oci run the bundle');
  if (defaultAction === 'SCMP_ACT_NOTIFY') refuse('/defaultAction', 'SCMP_ACT_NOTIFY for every call', 'name the calls: the start of the container makes some itself');
  for (const [index, { action, names }] of syscalls.entries()) {
    if (action !== 'SCMP_ACT_NOTIFY') continue;
    const field = `/syscalls/${index}`;
    if (!hasListener) refuse(`${field}/action`, 'SCMP_ACT_NOTIFY in a container of this library', 'take another action, or let tsrun-oci run the bundle');
    if (listenerPath === '') refuse('/listenerPath', 'SCMP_ACT_NOTIFY without listenerPath', 'name the socket of whoever answers for the calls');
    if (names.includes(handingOver)) refuse(`${field}/names/${names.indexOf(handingOver)}`, `SCMP_ACT_NOTIFY for ${handingOver}, by which the listener itself is handed over,`, 'take another action for it');
  }
}

/** What would be done to a mount namespace that others are in, and a root that cannot be another than theirs. */
export function refuseOwnMounts({ input: { spec, extensions }, namespaces }: Pick<Compilation, 'input' | 'namespaces'>): void {
  const { linux, root, mounts = [] } = spec;
  const why = `the container has no mount namespace of its own: its root and mounts are those of the one that it ${namespaces.isShared('mount') ? 'shares' : 'joins'}`;
  const hint = 'leave it out, or give the container one: {"type": "mount"} in linux.namespaces';
  const refuse = (field: string, present: boolean) => {
    if (present) throw new TsrunError('ERR_TSRUN_INVALID_SPEC', `${field}: ${why}`, { field, hint });
  };
  refuse('/root/path', root !== undefined && root.path !== '/');
  refuse('/root/readonly', root?.readonly === true);
  refuse('extensions.root', (extensions.root ?? { kind: 'writable' }).kind !== 'writable');
  refuse('/mounts', mounts.length > 0);
  refuse('/linux/maskedPaths', (linux?.maskedPaths ?? []).length > 0);
  refuse('/linux/readonlyPaths', (linux?.readonlyPaths ?? []).length > 0);
  refuse('/linux/rootfsPropagation', linux?.rootfsPropagation !== undefined);
  refuse('/linux/devices', (linux?.devices ?? []).length > 0);
  refuse('extensions.files', Object.keys(extensions.files ?? {}).length > 0);
}
