/** What `copyIn` and `copyOut` take and give. */

/** How to copy. */
export interface CopyOptions {
  /**
   * Owners stay as they are, by their numbers. Default false: what is copied in belongs to the container's root; what is copied out
   * to the caller, without set-id bits and capabilities, which would be the caller's.
   */
  readonly archive?: boolean;
  /** Where the source itself is a link, what it leads to is copied; links below it stay links in any case. Default false. */
  readonly followLink?: boolean;
  /** Gives up; what was copied until then stays. */
  readonly signal?: AbortSignal;
  /** Told now and then how many bytes have been copied, with headers. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** What was copied. */
export interface Copied {
  /** Files, folders and links. */
  readonly entries: number;
  /** Of all regular files together. */
  readonly bytes: number;
}
