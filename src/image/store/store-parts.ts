/** The parts of an open store, as its functions are given them. */
import type { Blobs } from './blobs.js';
import type { Layers } from './layers.js';
import type { StoreLayout } from './layout.js';
import type { LockCalls, Locks } from './locks.js';

export interface StoreParts {
  readonly layout: StoreLayout;
  readonly calls: LockCalls;
  readonly locks: Locks;
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly removeTree: (path: string) => Promise<void>;
  /** A small file, whole or not at all. */
  write(path: string, value: object): Promise<void>;
}
