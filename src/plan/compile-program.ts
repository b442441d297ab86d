/** A program of tsrun's own that is executed by descriptor: nobody finds it by a path, and nobody inside could write to it. */
import type { PlanInput } from './input.js';
import { mountAttributes, privatePropagation } from './mount-options.js';
import type { PlanBuilder } from './plan.js';

export interface ProgramSlots {
  /** In the launcher: the folders that it gets. */
  openLayers(): void;
  /** In the container, as the last thing before all other descriptors are closed. */
  place(): void;
}

const { readonly, nosuid, nodev, noexec } = mountAttributes;

export function passProgram({ program }: Pick<PlanInput, 'program'>, builder: PlanBuilder): ProgramSlots | undefined {
  if (program === undefined) return undefined;
  const slot = builder.pass('program');
  const keep: number[] = [];
  return {
    openLayers: () => {
      if (program.upperOf !== undefined) {
        const into = builder.slot();
        keep.push(into);
        builder.add('program', { op: 'openUpper', id: program.upperOf, into });
      }
      for (const path of program.layers) {
        const into = builder.slot();
        keep.push(into);
        // A detached mount, so that \`..\` ends at it: a plain descriptor would lead up to the host's root.
        builder.add('program', { op: 'openTree', path, recursive: false, follow: true, into });
        builder.add('program', { op: 'setMount', mount: into, recursive: false, set: readonly | nosuid | nodev | noexec, clear: 0, propagation: privatePropagation, idMap: null });
      }
    },
    place: () => {
      builder.add('program', { op: 'placeProgram', program: slot, keep });
    },
  };
}
