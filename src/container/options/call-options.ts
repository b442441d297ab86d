/** What `readLog` and `examineHost` may be asked for, and `run` in one piece. */
import type { FolderToCheck } from '../../host/doctor-facts.js';
import type { RunOptions } from './options.js';

/** How far to read. */
export interface ReadLogOptions {
  /** Go on with what is printed from now on, until the container's record has an end (or is gone). */
  readonly follow?: boolean;
  /** Ends following, without an error. */
  readonly signal?: AbortSignal;
}

/** Where to look. */
export interface ExamineOptions {
  /** Where runtime state would lie. Default: as `Runtime.open` has it. */
  readonly root?: string;
  /** Where images may lie. Default: the working directory, the home folder, /var/lib, and the one for temporary files. */
  readonly folders?: readonly FolderToCheck[];
}

/** What `Runtime.run` may be asked for in one piece. */
export interface RunRequest extends RunOptions {
  /** The name or the path of an image, as the first argument of `run`. */
  readonly image: string;
}
