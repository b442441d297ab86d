/** Validators of engines take the table of mounts for the order in which mounts were attached, and from Linux 6.8 on it is that in which they were made. */
import type { Compilation } from './compilation.js';

/** What the launcher made is as new as what the container makes. A container of this library has nobody who looks for it. */
export function renew({ builder, input }: Compilation, mount: number, field: string): void {
  if (input.ociRuntime !== undefined) builder.add(field, { op: 'renewMount', mount });
}
