/**
 * A root of its own in a mount namespace that others are in, which runc and crun have too. They mount there, where all others see it, or give
 * all others this root (pivot_root(2)). Here the root with all that is mounted in it is put together in a namespace of its own, and taken along
 * into the other one as a copy that is attached nowhere: nothing of it is seen there, or stays when the container ends.
 */
import { TsrunError } from '../spec/errors.js';
import type { Spec } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import type { PlanInput } from './input.js';
import { propagations, readMountOptions } from './mount-options.js';
import type { Namespaces } from './namespaces.js';

/** Of a spec that was taken: the container's root is not that of the mount namespace that it is in. */
export function isRootApart({ root }: Spec, namespaces: Namespaces): boolean {
  return !namespaces.isNew('mount') && root !== undefined && root.path !== '/';
}

/** As `isRootApart`, before it was taken: containers of the library have none. */
export function bringsRoot({ spec, ociRuntime }: Pick<PlanInput, 'spec' | 'ociRuntime'>, namespaces: Namespaces): boolean {
  return ociRuntime !== undefined && isRootApart(spec, namespaces);
}

/** Whether what is mounted for it is the container's own. */
export function ownsRoot(input: Pick<PlanInput, 'spec' | 'ociRuntime'>, namespaces: Namespaces): boolean {
  return namespaces.isNew('mount') || bringsRoot(input, namespaces);
}

/** What a root that is attached nowhere cannot have. */
export function refuseUnattached({ input: { spec }, namespaces }: Pick<Compilation, 'input' | 'namespaces'>): void {
  const hint = 'leave it out, or give the container its own mounts: {"type": "mount"} in linux.namespaces';
  const refuse = (field: string, why: string): never => {
    throw new TsrunError('ERR_TSRUN_INVALID_SPEC', `${field}: ${why}`, { field, hint });
  };
  // setns(2): CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
  if (namespaces.isNew('user')) refuse(namespaces.field('user'), `a new user namespace has no right to the mount namespace that the container ${namespaces.isShared('mount') ? 'shares' : 'joins'}`);
  const why = 'no mount event reaches a root that is in no mount namespace, as this one is, since the container has none of its own';
  if (passesEvents([spec.linux?.rootfsPropagation ?? ''])) refuse('/linux/rootfsPropagation', why);
  for (const [index, { options }] of (spec.mounts ?? []).entries()) if (passesEvents(options)) refuse(`/mounts/${index}/options`, why);
}

/** `unbindable` passes none, but would not be copied (open_tree(2)). */
function passesEvents(options: readonly string[] | undefined): boolean {
  const { propagation } = readMountOptions(options);
  return propagation !== undefined && propagation !== propagations.get('private');
}
