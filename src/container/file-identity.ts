/** Whether what lies at a path is still what was looked at. */
import { statSync } from 'node:fs';

export interface SeenFile {
  readonly path: string;
  /** Device, inode, and the time of its last change; empty for what could not be looked at, which is never the same. */
  readonly identity: string;
}

export function seeFile(path: string): SeenFile {
  try {
    const { dev, ino, ctimeNs } = statSync(path, { bigint: true });
    return { path, identity: `${dev}:${ino}:${ctimeNs}` };
  } catch {
    return { path, identity: '' }; // Whoever reads it says why.
  }
}

export function isUnchanged({ path, identity }: SeenFile): boolean {
  return identity !== '' && seeFile(path).identity === identity;
}
