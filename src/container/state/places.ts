/** Where a runtime keeps what it knows, and what it works with there. */
import type { NativeFiles } from '../../engine/addon.js';
import type { StateRoot } from './state-root.js';

export interface Places {
  readonly native: NativeFiles;
  readonly root: StateRoot;
  /** Below which images lie, and upper layers that are on disk. */
  readonly imageRoot: string;
}
