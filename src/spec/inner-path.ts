/** Paths in the container as they are compared, and as the launcher takes them. */
import { posix } from 'node:path';

/** A path without dots, doubled slashes and a slash at its end. */
export function normalPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}

/** Where a mount goes; one that is relative is that to `/` (config.md, "Mounts"). */
export function mountTarget({ destination }: { readonly destination: string }): string {
  return normalPath(`/${destination}`);
}
