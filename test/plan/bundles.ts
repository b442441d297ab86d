/** Bundles as an engine would write them, down to the part that a test is about. */
import type { ResolvedImage } from '../../src/image/resolved-image.js';
import type { Plan } from '../../src/plan/plan.js';
import type { Step } from '../../src/plan/wire.generated.js';
import type { Linux, Mount, Spec } from '../../src/spec/types.js';
import { bundleOf, compile, type Setting } from './support.js';

export const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
export const maps = { uidMappings: map, gidMappings: map };
export const ownUsers: Linux = { namespaces: [{ type: 'mount' }, { type: 'user' }], ...maps };

export function bundleWith(spec: Partial<Spec>): ResolvedImage {
  const process = { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/' };
  return bundleOf({ ociVersion: '1.2.0', root: { path: 'rootfs' }, process, linux: { namespaces: [{ type: 'mount' }] }, ...spec });
}

export function planOfBundle(spec: Partial<Spec>, setting: Pick<Setting, 'host' | 'hostNodes'> = {}): Plan {
  return compile({ image: bundleWith(spec), ...setting }).plan;
}

/** What becomes of one mount. */
export function planOfMount(mount: Mount, linux: Linux = ownUsers): Plan {
  return planOfBundle({ mounts: [mount], linux });
}

export function stepsOf<O extends Step['op']>({ steps }: Plan, op: O): Extract<Step, { op: O }>[] {
  return steps.map(({ step }) => step).filter((step): step is Extract<Step, { op: O }> => step.op === op);
}
