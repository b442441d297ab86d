/** Where a runtime keeps what it keeps, and what it is made of. */
import type { NativeFiles } from '../engine/addon.js';
import type { HostFacts } from '../host/facts.js';
import type { NamedLauncher } from './connection.js';
import type { Collected } from './state/garbage.js';
import type { StateRoot } from './state/state-root.js';

/** What `Runtime.open` may be asked for. */
export interface RuntimeOptions {
  /**
   * Where runtime state lies: an absolute path of at most 74 bytes, since sockets are bound below it (unix(7)). Default:
   * `$TSRUN_ROOT`, else `/run/tsrun` for root and `$XDG_RUNTIME_DIR/tsrun` for others.
   */
  readonly root?: string;
  /** Where images lie: an absolute path. Default: `$TSRUN_IMAGES`, else `/var/lib/tsrun` for root and `$XDG_DATA_HOME/tsrun` for others. */
  readonly imageRoot?: string;
}

/** What `Runtime.open` has found and made. */
export interface Opened {
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly root: StateRoot;
  readonly own: NamedLauncher;
  readonly collected: Collected;
  readonly imageRoot: string;
}
